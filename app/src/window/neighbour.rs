//! One window a home folder: whoever starts a second one, with files to open or without, is shown the first.
//!
//! Over a socket in the home folder, which nobody else may write to. Where there is none (Windows, a path too long for
//! one) the second window says who holds the home, as before.

use std::path::{Path, PathBuf};

/// In the home folder.
#[cfg(unix)]
const SOCKET: &str = "window.sock";

#[cfg(unix)]
pub use unix::{Door, knock};

#[cfg(unix)]
mod unix {
    use super::{Path, PathBuf, SOCKET};
    use std::io::{Read as _, Write as _};
    use std::net::Shutdown;
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;
    use std::time::Duration;

    /// Paths are sent with a zero byte after each, which no path contains.
    const MOST_BYTES: u64 = 1 << 20;
    const PATIENCE: Duration = Duration::from_secs(2);
    const ANSWER: &[u8] = b"glassworks";

    /// Gives `files` to the window that has this home open. Says whether there was one.
    pub fn knock(home: &Path, files: &[PathBuf]) -> bool {
        tell(home, files).unwrap_or_else(|error| {
            tracing::debug!("no other window has this home open: {error}");
            false
        })
    }

    fn tell(home: &Path, files: &[PathBuf]) -> std::io::Result<bool> {
        let mut stream = UnixStream::connect(home.join(SOCKET))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        for file in files {
            let path = std::path::absolute(file)?;
            stream.write_all(path.as_os_str().as_encoded_bytes())?;
            stream.write_all(&[0])?;
        }
        stream.shutdown(Shutdown::Write)?;
        let mut answer = Vec::new();
        stream.take(ANSWER.len() as u64).read_to_end(&mut answer)?;
        Ok(answer == ANSWER)
    }

    /// Where others knock. Shut when dropped.
    pub struct Door {
        socket: PathBuf,
        files: Receiver<Vec<PathBuf>>,
    }

    impl Door {
        /// `wake` is called when somebody has knocked. The caller holds the home, so a socket that lies there is left
        /// over.
        ///
        /// # Errors
        /// When there can be no socket in this folder.
        pub fn open(home: &Path, wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
            let socket = home.join(SOCKET);
            match std::fs::remove_file(&socket) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let listener = UnixListener::bind(&socket)?;
            std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o600))?;
            let (sender, files) = channel();
            thread::Builder::new().name("neighbour".into()).spawn(move || {
                listen(&listener, &sender, &wake);
            })?;
            Ok(Self { socket, files })
        }

        /// What was asked to be opened since the last call: each time somebody knocked, perhaps nothing.
        pub fn knocks(&self) -> impl Iterator<Item = Vec<PathBuf>> + '_ {
            self.files.try_iter()
        }
    }

    impl Drop for Door {
        fn drop(&mut self) {
            if let Err(error) = std::fs::remove_file(&self.socket) {
                tracing::debug!("{}: {error}", self.socket.display());
            }
        }
    }

    fn listen(listener: &UnixListener, sender: &Sender<Vec<PathBuf>>, wake: &dyn Fn()) {
        for stream in listener.incoming() {
            match stream.and_then(|stream| answer(&stream)) {
                Ok(files) => {
                    if sender.send(files).is_err() {
                        // The window is gone.
                        return;
                    }
                    wake();
                }
                Err(error) => tracing::warn!("somebody knocked and went away: {error}"),
            }
        }
    }

    fn answer(stream: &UnixStream) -> std::io::Result<Vec<PathBuf>> {
        use std::os::unix::ffi::OsStrExt as _;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut said = Vec::new();
        let mut stream = stream;
        stream.take(MOST_BYTES).read_to_end(&mut said)?;
        stream.write_all(ANSWER)?;
        let paths = said.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        Ok(paths.map(|path| PathBuf::from(std::ffi::OsStr::from_bytes(path))).collect())
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_second_window_gives_its_files_to_the_first() {
            let home = tempfile::tempdir().expect("a folder");
            assert!(!knock(home.path(), &[]), "nobody is there");
            let (woken, waits) = channel();
            let door = Door::open(home.path(), move || woken.send(()).expect("heard")).expect("a socket");
            let mode = std::fs::metadata(home.path().join(SOCKET)).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let files = [PathBuf::from("/models/玻璃 model.gguf"), PathBuf::from("here.gguf")];
            assert!(knock(home.path(), &files) && knock(home.path(), &[]));
            for _ in 0..2 {
                waits.recv_timeout(PATIENCE).expect("it is woken");
            }
            let heard: Vec<Vec<PathBuf>> = door.knocks().collect();
            let here = std::path::absolute("here.gguf").expect("a path");
            assert_eq!(heard, [vec![files[0].clone(), here], vec![]]);
            drop(door);
            assert!(!knock(home.path(), &[]), "it is shut");
            // What a killed one leaves does not keep the next one out.
            drop(UnixListener::bind(home.path().join(SOCKET)).expect("bound"));
            assert!(!knock(home.path(), &[]));
            let door = Door::open(home.path(), || {}).expect("in its place");
            assert!(knock(home.path(), &[]));
            drop(door);
        }
    }
}

#[cfg(not(unix))]
pub struct Door;

#[cfg(not(unix))]
impl Door {
    pub fn open(_home: &Path, _wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        Ok(Self)
    }

    pub fn knocks(&self) -> impl Iterator<Item = Vec<PathBuf>> + '_ {
        std::iter::empty()
    }
}

#[cfg(not(unix))]
pub fn knock(_home: &Path, _files: &[PathBuf]) -> bool {
    false
}
