//! Codecs of small vocabularies made here.
