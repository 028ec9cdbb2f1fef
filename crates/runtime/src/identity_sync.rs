//! Keeps an [`identity::Verifier`] supplied with keys and revocations.
