//! Brings a database to the schema of this program, one numbered file at a time, each in its own transaction.

use ring::digest::{SHA256, digest};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::open::OpenError;

/// Every schema change there ever was, oldest first; `user_version` counts them. A file that has been released never
/// changes again.
const MIGRATIONS: [&str; 5] = [
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
];

/// A database as the first `count` migrations leave it.
#[cfg(test)]
pub(super) fn migrate_to(db: &mut Connection, count: usize) {
    run(db, &MIGRATIONS[..count]).unwrap();
}

/// Runs what is missing.
pub(super) fn migrate(db: &mut Connection) -> Result<(), OpenError> {
    run(db, &MIGRATIONS)
}

fn run(db: &mut Connection, migrations: &[&str]) -> Result<(), OpenError> {
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    for (number, sql) in (1..).zip(migrations) {
        let name = format!("migration {number}");
        let sum = digest(&SHA256, sql.as_bytes());
        if number <= found {
            let kept: Option<Vec<u8>> = db
                .query_row("SELECT value FROM meta WHERE key = ?1", [&name], |row| row.get(0))
                .optional()?;
            if kept.as_deref() != Some(sum.as_ref()) {
                return Err(OpenError::ForeignMigration(number));
            }
            continue;
        }
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(sql)?;
        transaction.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", (&name, sum.as_ref()))?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB) STRICT; CREATE TABLE a (x) ;";

    fn tables(db: &Connection) -> i64 {
        db.query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |row| {
            row.get(0)
        })
        .unwrap()
    }

    #[test]
    fn each_runs_once_and_in_order() {
        let mut db = Connection::open_in_memory().unwrap();
        run(&mut db, &[FIRST]).unwrap();
        run(&mut db, &[FIRST]).unwrap();
        assert_eq!(tables(&db), 2);
        run(&mut db, &[FIRST, "CREATE TABLE b (x);"]).unwrap();
        assert_eq!(tables(&db), 3);
    }

    #[test]
    fn a_newer_database_is_refused_untouched() {
        let mut db = Connection::open_in_memory().unwrap();
        run(&mut db, &[FIRST, "CREATE TABLE b (x);"]).unwrap();
        assert!(matches!(
            run(&mut db, &[FIRST]),
            Err(OpenError::Newer { found: 2, known: 1 })
        ));
        assert_eq!(tables(&db), 3);
    }

    #[test]
    fn a_changed_migration_is_noticed() {
        let mut db = Connection::open_in_memory().unwrap();
        run(&mut db, &[FIRST]).unwrap();
        let changed = format!("{FIRST} -- changed");
        assert!(matches!(run(&mut db, &[&changed]), Err(OpenError::ForeignMigration(1))));
    }

    #[test]
    fn a_migration_that_fails_leaves_nothing() {
        let mut db = Connection::open_in_memory().unwrap();
        run(&mut db, &[FIRST]).unwrap();
        assert!(run(&mut db, &[FIRST, "CREATE TABLE b (x); CREATE TABLE a (x);"]).is_err());
        assert_eq!(tables(&db), 2);
        run(&mut db, &[FIRST, "CREATE TABLE b (x);"]).unwrap();
    }
}
