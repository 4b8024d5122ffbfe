//! Static linking and the search for modules
