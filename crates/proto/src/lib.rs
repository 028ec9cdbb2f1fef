//! Generated gRPC and event types, client channels, and the layer that checks callers.
