//! Fan-outs to followers, and each user's notifications.
