//! Wardwire, the shell: does everything, decides nothing. Rooms in reading order.
