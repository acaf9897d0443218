//! Where master keys come from: the environment, else a file that only its owner can read.
//!
//! The file holds one base64 key per line, the variable the same separated by commas; newest
//! first in both.

use super::{KEY_BYTES, Key, MasterKeys, SecretsError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

const VARIABLE: &str = "MEARI_MASTER_KEY";

/// The master keys of this installation.
///
/// `file` is `Some` only where one machine holds all the data (SQLite): there a key is made on
/// the first start. Many nodes must share the variable, because each would make its own key.
pub fn master_keys(
    variable: Option<&SecretString>,
    file: Option<&Path>,
) -> Result<MasterKeys, SecretsError> {
    match (variable, file) {
        (Some(text), _) => parse(text.expose_secret().split(','), VARIABLE),
        (None, Some(path)) => {
            if !path.exists() {
                create(path).map_err(|source| file_error(path, source))?;
            }
            read(path)
        }
        (None, None) => Err(SecretsError::MasterKeyMissing),
    }
}

/// First half of a rotation: a fresh key seals from now on, the old ones still open.
pub fn add_key_to_file(path: &Path) -> Result<MasterKeys, SecretsError> {
    let mut keys = MasterKeys::random().0;
    keys.extend(read(path)?.0);
    replace(path, &keys)?;
    Ok(MasterKeys(keys))
}

/// Second half, after everything was sealed anew: only the newest key stays.
pub fn forget_old_keys_in_file(path: &Path) -> Result<(), SecretsError> {
    let keys = read(path)?.0;
    replace(path, keys.get(..1).unwrap_or_default())
}

fn parse<'a>(
    texts: impl Iterator<Item = &'a str>,
    origin: &str,
) -> Result<MasterKeys, SecretsError> {
    let malformed = || SecretsError::MasterKeyMalformed {
        origin: origin.to_owned(),
    };
    let keys = texts
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| {
            let bytes = STANDARD.decode(text).map_err(|_| malformed())?;
            let bytes: [u8; KEY_BYTES] = bytes.try_into().map_err(|_| malformed())?;
            Ok(Key::from_bytes(bytes))
        })
        .collect::<Result<Vec<_>, SecretsError>>()?;
    if keys.is_empty() {
        return Err(malformed());
    }
    Ok(MasterKeys(keys))
}

fn read(path: &Path) -> Result<MasterKeys, SecretsError> {
    let io = |source| file_error(path, source);
    let mode = fs::metadata(path).map_err(io)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(SecretsError::MasterKeyExposed {
            path: path.display().to_string(),
        });
    }
    let text = SecretString::from(fs::read_to_string(path).map_err(io)?);
    parse(text.expose_secret().lines(), &path.display().to_string())
}

/// Makes the file with one key. A hard link publishes it whole, and never over another
/// process's key that came first.
fn create(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let fresh = write_beside(path, &MasterKeys::random().0)?;
    let linked = fs::hard_link(&fresh, path);
    fs::remove_file(&fresh)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => fs::File::open(folder)?.sync_all(),
    }
}

fn replace(path: &Path, keys: &[Key]) -> Result<(), SecretsError> {
    let swap = || {
        let fresh = write_beside(path, keys)?;
        fs::rename(&fresh, path)?;
        fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    swap().map_err(|source| file_error(path, source))
}

fn write_beside(path: &Path, keys: &[Key]) -> io::Result<std::path::PathBuf> {
    let fresh = path.with_extension(format!("{:016x}.new", rand::random::<u64>()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    for key in keys {
        writeln!(file, "{}", STANDARD.encode(key.bytes.expose_secret()))?;
    }
    file.sync_all()?;
    Ok(fresh)
}

fn file_error(path: &Path, source: io::Error) -> SecretsError {
    SecretsError::MasterKeyFile {
        path: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Vault;
    use super::*;

    fn kids(keys: &MasterKeys) -> Vec<String> {
        keys.0.iter().map(|k| k.kid.clone()).collect()
    }

    #[test]
    fn the_first_start_makes_a_private_key_file_and_later_starts_reuse_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/master.key");
        let first = master_keys(None, Some(&path)).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(kids(&first), kids(&master_keys(None, Some(&path)).unwrap()));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn without_a_file_the_variable_is_demanded() {
        assert!(matches!(
            master_keys(None, None),
            Err(SecretsError::MasterKeyMissing)
        ));
    }

    #[test]
    fn a_malformed_variable_is_refused_without_showing_it() {
        for text in ["", "secret-but-short", "c2hvcnQ="] {
            let error = master_keys(Some(&text.into()), None).unwrap_err();
            assert!(!format!("{error}{error:?}").contains("secret-but-short"));
            assert!(matches!(error, SecretsError::MasterKeyMalformed { .. }));
        }
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        master_keys(None, Some(&path)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            master_keys(None, Some(&path)),
            Err(SecretsError::MasterKeyExposed { .. })
        ));
    }

    #[test]
    fn a_rotated_file_opens_old_wrappings_until_the_old_key_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let tenant = domain::TenantId::new(domain::Time::default());
        let old = Vault::new(master_keys(None, Some(&path)).unwrap());
        let wrapped = old.new_tenant_keys(tenant).unwrap();

        let both = Vault::new(add_key_to_file(&path).unwrap());
        let rewrapped = both.rewrap(tenant, &wrapped).unwrap().unwrap();
        forget_old_keys_in_file(&path).unwrap();

        let new = Vault::new(master_keys(None, Some(&path)).unwrap());
        assert!(new.tenant(tenant, &wrapped).is_err());
        assert!(new.tenant(tenant, &rewrapped).is_ok());
    }
}
