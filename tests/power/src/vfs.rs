//! SQLite's file system on the [`Disk`] of the thread. One connection at a time: locks are granted to whoever asks.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::Once;

use rusqlite::ffi;

use crate::disk::{Disk, Refused};

thread_local! {
    static DISK: RefCell<Disk> = RefCell::new(Disk::default());
    /// The logs' index: memory of the process.
    static SHARED: RefCell<BTreeMap<String, Vec<Box<[u64]>>>> = const { RefCell::new(BTreeMap::new()) };
}

/// Works on the disk of this thread.
pub fn with<T>(work: impl FnOnce(&mut Disk) -> T) -> T {
    DISK.with_borrow_mut(work)
}

/// Puts another disk under this thread; no connection may be open.
pub fn insert(disk: Disk) {
    SHARED.with_borrow_mut(BTreeMap::clear);
    with(|place| *place = disk);
}

/// Makes this the file system of every connection that is opened from now on.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the default file system exists for as long as the process; ours is leaked.
        unsafe {
            let default = *ffi::sqlite3_vfs_find(std::ptr::null());
            let ours = Box::leak(Box::new(ffi::sqlite3_vfs {
                szOsFile: size_of::<Handle>() as c_int,
                pNext: std::ptr::null_mut(),
                zName: c"power".as_ptr(),
                xOpen: Some(open),
                xDelete: Some(delete),
                xAccess: Some(access),
                xFullPathname: Some(full_pathname),
                ..default
            }));
            assert_eq!(ffi::sqlite3_vfs_register(ours, 1), ffi::SQLITE_OK);
        }
    });
}

/// An open file, as SQLite allocates it.
#[repr(C)]
struct Handle {
    base: ffi::sqlite3_file,
    /// From [`Box::into_raw`]; freed by [`close`].
    name: *mut String,
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(lock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// # Safety
/// `file` is one that [`open`] filled.
unsafe fn name<'a>(file: *mut ffi::sqlite3_file) -> &'a str {
    unsafe { &*(*file.cast::<Handle>()).name }
}

fn code(result: Result<(), Refused>, otherwise: c_int) -> c_int {
    match result {
        Ok(()) => ffi::SQLITE_OK,
        Err(Refused::Full) => ffi::SQLITE_FULL,
        Err(Refused::Broken) => otherwise,
    }
}

unsafe fn text(z: *const c_char) -> String {
    unsafe { CStr::from_ptr(z) }.to_string_lossy().into_owned()
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    z: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    unsafe {
        let handle = file.cast::<Handle>();
        (*handle).base.pMethods = std::ptr::null();
        let name = if z.is_null() { with(Disk::temporary) } else { text(z) };
        let refused = with(|disk| {
            let missing = disk.length(&name).is_none();
            if disk.is_dead() || missing && flags & ffi::SQLITE_OPEN_CREATE == 0 {
                return true;
            }
            disk.open(&name);
            false
        });
        if refused {
            return ffi::SQLITE_CANTOPEN;
        }
        (*handle).name = Box::into_raw(Box::new(name));
        (*handle).base.pMethods = &METHODS;
        if !out.is_null() {
            *out = flags;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, z: *const c_char, _: c_int) -> c_int {
    let name = unsafe { text(z) };
    code(with(|disk| disk.delete(&name)), ffi::SQLITE_IOERR_DELETE)
}

unsafe extern "C" fn access(_: *mut ffi::sqlite3_vfs, z: *const c_char, _: c_int, out: *mut c_int) -> c_int {
    unsafe {
        let name = text(z);
        *out = c_int::from(with(|disk| disk.length(&name).is_some_and(|length| length > 0)));
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_pathname(_: *mut ffi::sqlite3_vfs, z: *const c_char, room: c_int, out: *mut c_char) -> c_int {
    unsafe {
        let octets = CStr::from_ptr(z).to_bytes_with_nul();
        if octets.len() > usize::try_from(room).unwrap_or_default() {
            return ffi::SQLITE_CANTOPEN;
        }
        std::ptr::copy_nonoverlapping(octets.as_ptr().cast(), out, octets.len());
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let name = unsafe { Box::from_raw((*file.cast::<Handle>()).name) };
    with(|disk| disk.close(&name));
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, to: *mut c_void, amount: c_int, at: i64) -> c_int {
    let octets = unsafe { std::slice::from_raw_parts_mut(to.cast::<u8>(), amount as usize) };
    let name = unsafe { name(file) };
    if with(|disk| disk.is_dead()) {
        return ffi::SQLITE_IOERR_READ;
    }
    let count = with(|disk| disk.read(name, at as usize, octets));
    octets[count..].fill(0);
    if count == octets.len() {
        ffi::SQLITE_OK
    } else {
        ffi::SQLITE_IOERR_SHORT_READ
    }
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, from: *const c_void, amount: c_int, at: i64) -> c_int {
    let octets = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), amount as usize) };
    let name = unsafe { name(file) };
    code(
        with(|disk| disk.write(name, at as usize, octets)),
        ffi::SQLITE_IOERR_WRITE,
    )
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    let name = unsafe { name(file) };
    code(
        with(|disk| disk.truncate(name, size as usize)),
        ffi::SQLITE_IOERR_TRUNCATE,
    )
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    let name = unsafe { name(file) };
    code(with(|disk| disk.sync(name)), ffi::SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, out: *mut i64) -> c_int {
    unsafe { *out = with(|disk| disk.length(name(file))).unwrap_or_default() as i64 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn lock(_: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(_: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    unsafe { *out = 0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    4_096
}

/// As SQLite's own for Unix: a write changes nothing outside its octets.
unsafe extern "C" fn device_characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    region: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    let name = unsafe { name(file) };
    SHARED.with_borrow_mut(|shared| {
        let regions = shared.entry(name.to_owned()).or_default();
        let region = region as usize;
        while extend != 0 && regions.len() <= region {
            regions.push(vec![0_u64; size as usize / 8].into_boxed_slice());
        }
        let place = regions
            .get_mut(region)
            .map_or(std::ptr::null_mut(), |region| region.as_mut_ptr().cast());
        unsafe { *out = place };
    });
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_lock(_: *mut ffi::sqlite3_file, _: c_int, _: c_int, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_barrier(_: *mut ffi::sqlite3_file) {}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    if delete != 0 {
        let name = unsafe { name(file) };
        SHARED.with_borrow_mut(|shared| shared.remove(name));
    }
    ffi::SQLITE_OK
}
