//! REST and Socket.IO for browsers and API clients.
