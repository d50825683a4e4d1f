//! A disk in memory whose power fails, and the virtual file system that puts it under SQLite.

pub mod disk;
pub mod vfs;
