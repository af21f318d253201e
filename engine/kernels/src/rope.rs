//! (rope)
