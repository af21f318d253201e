//! Room on the disk that the home folder is on.

use std::path::{Path, PathBuf};
use sysinfo::{DiskRefreshKind, Disks};

/// The disk of a home folder.
#[derive(Clone, Debug)]
pub struct Disk {
    home: PathBuf,
    /// Said in its place.
    told: Option<u64>,
}

impl Disk {
    #[must_use]
    pub fn of(home: &Path, told: Option<u64>) -> Self {
        Self { home: home.to_owned(), told }
    }

    /// Bytes that may be written; `None` where the system doesn't say.
    #[must_use]
    pub fn free(&self) -> Option<u64> {
        if self.told.is_some() {
            return self.told;
        }
        let home = std::fs::canonicalize(&self.home).ok()?;
        let disks =
            Disks::new_with_refreshed_list_specifics(DiskRefreshKind::nothing().with_storage()).ok()?;
        let of_home = disks.iter().filter(|disk| home.starts_with(disk.mount_point()));
        // The innermost of those that the folder lies on.
        of_home.max_by_key(|disk| disk.mount_point().as_os_str().len()).map(sysinfo::Disk::available_space)
    }
}

/// Bytes as a person reads files: `4.2 GB`.
#[must_use]
pub fn gb(bytes: u64) -> String {
    let bytes = bytes as f64;
    if bytes < 1e9 { format!("{:.0} MB", bytes / 1e6) } else { format!("{:.1} GB", bytes / 1e9) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_room() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Disk::of(folder.path(), Some(7)).free(), Some(7));
        // In memory alone (tmpfs) there is no disk that could say.
        assert!(Disk::of(folder.path(), None).free().is_none_or(|bytes| bytes > 1 << 20));
        assert_eq!(Disk::of(&folder.path().join("gone"), None).free(), None);
        assert_eq!((gb(12_400_000), gb(4_230_000_000)), ("12 MB".to_owned(), "4.2 GB".to_owned()));
    }
}
