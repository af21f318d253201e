//! Views: which rows pass filters, and in which order.
