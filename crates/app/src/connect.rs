//! WebSocket connections that channel sessions ask for.
