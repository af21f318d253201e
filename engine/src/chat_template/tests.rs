//! What a template may not do, and what it may. That texts are transformers' is a golden's work.
