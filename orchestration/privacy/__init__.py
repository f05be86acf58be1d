"""What keeps patients private: what is published how exactly, the search for what must not be, the key of study ids."""
