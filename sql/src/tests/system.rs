//! Every system relation can be read, and its rows have its columns; what is told of one object agrees
//! with what is told of it elsewhere.

use super::golden::Runner;
use crate::error::Result;
use crate::row::Row;
use crate::session::{Outcome, Session};
use crate::system::relations;
use crate::types::Type;

const DEFINITIONS: &str = "
    CREATE TABLE parent (id int PRIMARY KEY, name varchar(20) UNIQUE DEFAULT 'x', CHECK (id > 0));
    CREATE TABLE child (id bigint GENERATED ALWAYS AS IDENTITY, n serial,
        parent int REFERENCES parent ON DELETE CASCADE, tags text[]);
    CREATE INDEX child_parent ON child (parent) INCLUDE (n);
    COMMENT ON TABLE child IS 'a child';
    COMMENT ON COLUMN child.n IS 'a number';";

/// The rows of a query, with the types of its columns.
async fn rows(session: &mut Session, sql: &str) -> Result<(Vec<Type>, Vec<Row>)> {
    let (mut kinds, mut all) = (Vec::new(), Vec::new());
    for (statement, params) in session.parse(sql)? {
        if let Outcome::Rows(mut rows) = session.execute(&statement, params).await? {
            kinds = rows.columns.iter().map(|column| column.ty.kind).collect();
            loop {
                let batch = rows.next(usize::MAX).await?;
                if batch.is_empty() {
                    break;
                }
                all.extend(batch);
            }
        }
    }
    session.finish_implicit().await?;
    Ok((kinds, all))
}

fn with_definitions() -> Runner {
    let mut runner = Runner::new();
    runner.sql(DEFINITIONS).unwrap();
    runner
}

#[test]
fn every_relation_has_rows_of_its_columns() {
    let mut runner = with_definitions();
    for relation in relations() {
        let sql = format!("SELECT * FROM {relation:?}");
        let read = runner.runtime.block_on(rows(&mut runner.session, &sql));
        let (kinds, rows) = read.unwrap_or_else(|error| panic!("{relation:?}: {error:?}"));
        let declared: Vec<Type> = relation.columns.iter().map(|(_, kind)| *kind).collect();
        assert_eq!(kinds, declared, "{relation:?}");
        for row in rows {
            assert_eq!(row.len(), declared.len(), "{relation:?}");
            for ((name, kind), value) in relation.columns.iter().zip(&row) {
                let fits = value.to_scalar(&kind.layout()).unwrap().data_type() == kind.layout();
                assert!(fits || value.is_null(), "{relation:?}.{name}: {value:?} is no {kind:?}");
            }
        }
    }
}

#[test]
fn relations_are_found_as_they_are_listed() {
    let mut runner = with_definitions();
    for column in ["oid", "relname"] {
        let sql = format!(
            "SELECT count(*) FROM pg_class a WHERE NOT EXISTS
               (SELECT 1 FROM pg_class b WHERE b.{column} = a.{column} AND b.oid = a.oid)"
        );
        assert_eq!(runner.sql(&sql).unwrap(), "0\nSELECT 1", "{column}");
    }
    let sql = "SELECT relname FROM pg_class WHERE oid = 'child_parent'::regclass";
    assert_eq!(runner.sql(sql).unwrap(), "child_parent\nSELECT 1");
    let sql = "SELECT attname FROM pg_attribute WHERE attrelid = 'child'::regclass AND attnum > 0";
    assert_eq!(runner.sql(sql).unwrap(), "id\nn\nparent\ntags\nSELECT 4");
}

#[test]
fn what_a_row_refers_to_exists() {
    let mut runner = with_definitions();
    let references = [
        ("pg_attribute", "attrelid", "pg_class"),
        ("pg_attribute", "atttypid", "pg_type"),
        ("pg_class", "relnamespace", "pg_namespace"),
        ("pg_class", "relam", "pg_am"),
        ("pg_index", "indexrelid", "pg_class"),
        ("pg_index", "indrelid", "pg_class"),
        ("pg_constraint", "conrelid", "pg_class"),
        ("pg_constraint", "confrelid", "pg_class"),
        ("pg_constraint", "conindid", "pg_class"),
        ("pg_attrdef", "adrelid", "pg_class"),
        ("pg_sequence", "seqrelid", "pg_class"),
        ("pg_type", "typelem", "pg_type"),
        ("pg_type", "typarray", "pg_type"),
        ("pg_type", "typinput", "pg_proc"),
        ("pg_type", "typreceive", "pg_proc"),
        ("pg_opclass", "opcfamily", "pg_opfamily"),
    ];
    for (relation, column, referred) in references {
        let sql = format!(
            "SELECT count(*) FROM {relation} a WHERE a.{column}::oid <> 0 AND NOT EXISTS
               (SELECT 1 FROM {referred} b WHERE b.oid = a.{column}::oid)"
        );
        assert_eq!(runner.sql(&sql).unwrap(), "0\nSELECT 1", "{relation}.{column}");
    }
}
