//! The home folder into one file and back, and files that only claim to be one.

use super::{Bench, names, run};
use glassworks_engine::home::{Home, Mode};
use glassworks_engine::store::{Store, backup, check_database, restore};
use glassworks_protocol::text::Language;
use glassworks_protocol::{Edit, Failure, FailureKind, Notice};
use std::io::Read;
use std::path::{Path, PathBuf};

/// What jobs do: the store's futures are waited for from plain code.
fn back_up(bench: &Bench, to: &Path) -> anyhow::Result<u64> {
    let store = bench.store();
    let mut copy = |path: &Path| wait(store.copy_database(path));
    backup::write(store.home(), to, &mut copy, &mut |_, _| Ok(()))
}

fn stage(bench: &Bench, from: &Path) -> anyhow::Result<()> {
    let mut check = |path: &Path| wait(check_database(path));
    restore::stage(bench.store().home(), from, &mut check, &mut |_, _| Ok(()))
}

fn wait<T: Send>(future: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| scope.spawn(|| run(future)).join().unwrap())
}

fn refused(bench: &Bench, from: &Path) -> Failure {
    let error = stage(bench, from).unwrap_err();
    let failure = error.downcast_ref::<Failure>().unwrap_or_else(|| panic!("{error:#}")).clone();
    for language in Language::ALL {
        assert!(!language.render(&failure.summary).contains("failure."), "{failure:?}");
    }
    let left: Vec<String> = names(&bench.path()).into_iter().filter(|n| n.contains("restore")).collect();
    assert!(left.is_empty(), "{left:?}");
    failure
}

fn write(path: PathBuf, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn entries(tar: &Path) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(std::fs::File::open(tar).unwrap());
    archive
        .entries()
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.path().unwrap().to_str().unwrap().to_owned(), bytes)
        })
        .collect()
}

/// A tar of these entries as they are, whatever their names.
fn tar_of(path: &Path, entries: &[(String, Vec<u8>)]) {
    let mut tar = tar::Builder::new(std::fs::File::create(path).unwrap());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        if name.len() > 100 {
            tar.append_data(&mut header, name, bytes.as_slice()).unwrap();
            continue;
        }
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, bytes.as_slice()).unwrap();
    }
    tar.finish().unwrap();
}

async fn full_home() -> (Bench, PathBuf) {
    let bench = Bench::new().await;
    bench.talk("Kept for good", "indeed").await;
    let home = bench.path();
    write(home.join("captures/深/层.bin"), "capture");
    write(home.join(format!("runs/{}/last", "long".repeat(40))), "a name longer than a tar header holds");
    write(home.join("models/big.gguf"), "weights");
    write(home.join("logs/today.log"), "log");
    let to = home.join("backup.tar");
    (bench, to)
}

#[test]
fn a_backup_comes_back_and_what_stood_there_is_kept() {
    run(async {
        let (mut bench, to) = full_home().await;
        let size = back_up(&bench, &to).unwrap();
        assert_eq!(size, std::fs::metadata(&to).unwrap().len());
        let inside: Vec<String> = entries(&to).into_iter().map(|(name, _)| name).collect();
        assert_eq!(inside.len(), 4, "{inside:?}");
        assert_eq!(inside[0], "glassworks.db");
        assert_eq!(inside[3], "glassworks-backup.json");
        assert!(!names(&bench.path()).iter().any(|n| n.contains(".part")));
        // A second one doesn't swallow the first, nor itself.
        let second = bench.folder.path().join("second.tar");
        std::fs::rename(&to, bench.path().join("captures/first.tar")).unwrap();
        back_up(&bench, &second).unwrap();
        assert_eq!(entries(&second).len(), 5);

        let later = bench.talk("Said later", "gone after the restore").await;
        write(bench.path().join("captures/later"), "later");
        stage(&bench, &second).unwrap();
        assert_eq!(
            bench.document(later.chat.id).await.messages.len(),
            2,
            "nothing changes before the next start"
        );
        bench.reopen().await;
        let [Notice::Info(text)] = &bench.notices[..] else { panic!("{:?}", bench.notices) };
        assert!(Language::Chinese.render(text).contains("before-restore-"));
        let titles: Vec<String> =
            bench.store().chats("", false).await.unwrap().into_iter().map(|c| c.title).collect();
        assert_eq!(titles, ["Kept for good"]);
        assert_eq!(std::fs::read_to_string(bench.path().join("captures/深/层.bin")).unwrap(), "capture");
        assert!(!bench.path().join("captures/later").exists());
        assert!(bench.path().join("models/big.gguf").exists());
        let before = names(&bench.path()).into_iter().find(|n| n.starts_with("before-restore-")).unwrap();
        let before = bench.path().join(before);
        assert!(before.join("captures/later").exists());
        let old = Home::open(&before, Mode::Reader).unwrap();
        let (old, _) = Store::open(&old).await.unwrap();
        assert_eq!(old.chats("later", false).await.unwrap().len(), 1);
        bench.reopen().await;
        assert!(bench.notices.is_empty());
    });
}

#[test]
fn a_stopped_backup_leaves_nothing_behind() {
    run(async {
        let (bench, to) = full_home().await;
        std::fs::write(&to, "an older backup").unwrap();
        let mut copy = |path: &Path| wait(bench.store().copy_database(path));
        let mut n = 0;
        let stopped = backup::write(bench.store().home(), &to, &mut copy, &mut |_, _| {
            n += 1;
            if n > 2 { Err(anyhow::anyhow!("cancelled")) } else { Ok(()) }
        });
        assert_eq!(stopped.unwrap_err().to_string(), "cancelled");
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "an older backup");
        assert!(!names(&bench.path()).iter().any(|n| n.contains(".part")));
    });
}

#[test]
fn files_that_are_no_sound_backup_are_refused_and_change_nothing() {
    run(async {
        let (bench, to) = full_home().await;
        back_up(&bench, &to).unwrap();
        let whole = std::fs::read(&to).unwrap();
        let bad = bench.folder.path().join("bad.tar");
        std::fs::write(&bad, "a letter").unwrap();
        assert_eq!(refused(&bench, &bad).kind, FailureKind::Input);
        std::fs::write(&bad, "").unwrap();
        assert_eq!(refused(&bench, &bad).summary.key, "failure.backup_not_ours");
        for part in [1, 2, 3] {
            std::fs::write(&bad, &whole[..whole.len() * part / 4]).unwrap();
            assert_eq!(refused(&bench, &bad).kind, FailureKind::Input);
        }
        let mut bytes = whole.clone();
        let at = bytes.windows(9).position(|w| w == b"Kept for ").unwrap();
        bytes[at] ^= 1;
        std::fs::write(&bad, &bytes).unwrap();
        let failure = refused(&bench, &bad);
        assert_eq!(
            (failure.summary.key.as_ref(), failure.detail.as_str()),
            ("failure.backup_damaged", "glassworks.db")
        );
        assert!(stage(&bench, &bench.folder.path().join("nowhere.tar")).is_err());
        bench.store().edit(Edit::EmptyTrash).await.unwrap();
    });
}

#[test]
fn hostile_archives_write_nothing_outside() {
    run(async {
        let (bench, to) = full_home().await;
        back_up(&bench, &to).unwrap();
        let good = entries(&to);
        let bad = bench.folder.path().join("bad.tar");
        for name in ["../outside", "/tmp/outside", "a/../../outside", "models/x", "glassworks.lock"] {
            let mut bytes = good.clone();
            bytes.insert(0, (name.to_owned(), b"evil".to_vec()));
            tar_of(&bad, &bytes);
            assert_eq!(refused(&bench, &bad).summary.key, "failure.backup_strange", "{name}");
            assert!(!bench.folder.path().join("outside").exists());
        }
        // Not on the list, twice, in place of another, missing.
        let mut unlisted = good.clone();
        unlisted.insert(0, (String::from("captures/extra"), Vec::new()));
        let twice = [&good[..1], &good[..]].concat();
        let mut swapped = good.clone();
        swapped[1].1 = b"another".to_vec();
        let missing = good[1..].to_vec();
        for entries in [unlisted, twice, swapped, missing] {
            tar_of(&bad, &entries);
            assert_eq!(refused(&bench, &bad).kind, FailureKind::Input);
        }
        for kind in
            [tar::EntryType::Symlink, tar::EntryType::Link, tar::EntryType::Fifo, tar::EntryType::XHeader]
        {
            let mut tar = tar::Builder::new(std::fs::File::create(&bad).unwrap());
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(0);
            header.set_path("captures/link").unwrap();
            header.set_link_name("/etc/passwd").unwrap();
            header.set_cksum();
            tar.append(&header, std::io::empty()).unwrap();
            tar.finish().unwrap();
            assert_eq!(refused(&bench, &bad).summary.key, "failure.backup_strange");
        }
        // A header that claims more than there is.
        let mut header = tar::Header::new_gnu();
        header.set_path("captures/huge").unwrap();
        header.set_size(u64::MAX / 2);
        header.set_cksum();
        std::fs::write(&bad, header.as_bytes()).unwrap();
        assert_eq!(refused(&bench, &bad).kind, FailureKind::Input);
    });
}

#[test]
fn a_backup_whose_database_is_unusable_or_newer_is_refused() {
    run(async {
        let (bench, to) = full_home().await;
        back_up(&bench, &to).unwrap();
        let good = entries(&to);
        let bad = bench.folder.path().join("bad.tar");
        let manifest = String::from_utf8(good[3].1.clone()).unwrap();
        let mut newer = good.clone();
        newer[3].1 = manifest.replace("\"schema\": ", "\"schema\": 100").into_bytes();
        tar_of(&bad, &newer);
        assert_eq!(refused(&bench, &bad).summary.key, "failure.backup_newer");
        let mut foreign = good.clone();
        foreign[3].1 = manifest.replace("glassworks-backup\"", "another-backup\"").into_bytes();
        tar_of(&bad, &foreign);
        assert_eq!(refused(&bench, &bad).summary.key, "failure.backup_not_ours");
        // Its hash is right, but it is no database.
        let mut broken = good[3..].to_vec();
        let listed = r#"{"format":"glassworks-backup","version":1,"program":"x","schema":1,"made_at_ms":0,"files":
            [{"path":"glassworks.db","size_bytes":0,
            "sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]}"#;
        broken[0].1 = listed.as_bytes().to_vec();
        broken.insert(0, (String::from("glassworks.db"), Vec::new()));
        tar_of(&bad, &broken);
        assert_eq!(refused(&bench, &bad).summary.key, "failure.store_backup_damaged");
    });
}
