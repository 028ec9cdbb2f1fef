//! Chat messages in rising sequence for each stream.
