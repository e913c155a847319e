//! What goes back: rows and errors.

use bytes::{BufMut, BytesMut};
use cairn_sql::binder::OutputColumn;
use cairn_sql::error::{Error, Report, Result};
use cairn_sql::session::Rows;
use cairn_sql::types::Datum;
use cairn_sql::types::io::{self, Style};
use pgwire::error::ErrorInfo;
use pgwire::messages::Message;
use pgwire::messages::response::{ErrorResponse, NoticeResponse};

/// Appends a message of pgwire's.
pub fn put(out: &mut BytesMut, message: &impl Message) -> Result<()> {
    let before = out.len();
    message.encode(out).map_err(|error| {
        out.truncate(before);
        Error::internal(format!("could not encode a message: {error}"))
    })
}

fn info(report: &Report, severity: &str) -> ErrorInfo {
    let clean = |text: &str| text.replace('\0', "");
    let mut info =
        ErrorInfo::new(severity.to_owned(), report.state.code().to_owned(), clean(&report.message));
    info.severity_nonlocalized = Some(severity.to_owned());
    info.detail = report.detail.as_deref().map(clean);
    info.hint = report.hint.as_deref().map(clean);
    info.position = report.position.map(|position| position.to_string());
    info.where_context = report.context.as_deref().map(clean);
    info
}

/// The fields of PostgreSQL's that name objects.
fn with_objects(mut fields: Vec<(u8, String)>, report: &Report) -> Vec<(u8, String)> {
    if let Some(schema) = &report.schema {
        fields.push((b's', schema.clone()));
    }
    if let Some(table) = &report.table {
        fields.push((b't', table.clone()));
    }
    if let Some(column) = &report.column {
        fields.push((b'c', column.clone()));
    }
    if let Some(datatype) = &report.datatype {
        fields.push((b'd', datatype.clone()));
    }
    if let Some(constraint) = &report.constraint {
        fields.push((b'n', constraint.clone()));
    }
    fields
}

/// Appends an error.
pub fn error(out: &mut BytesMut, report: &Report, severity: &str) -> Result<()> {
    let fields = ErrorResponse::from(info(report, severity)).fields;
    put(out, &ErrorResponse::new(with_objects(fields, report)))
}

/// Appends a notice. Its severity stands in the context field until here.
pub fn notice(out: &mut BytesMut, mut report: Report) -> Result<()> {
    let severity = report.context.take().unwrap_or_else(|| "NOTICE".into());
    let fields = NoticeResponse::from(info(&report, &severity)).fields;
    put(out, &NoticeResponse::new(fields))
}

/// The format of column `index`, as Bind's list says.
pub fn format_of(formats: &[i16], index: usize) -> i16 {
    match formats {
        [] => 0,
        [all] => *all,
        each => each.get(index).copied().unwrap_or(0),
    }
}

/// Appends a message: its type, its length, and what `body` writes.
fn message(
    out: &mut BytesMut,
    kind: u8,
    body: impl FnOnce(&mut BytesMut) -> Result<()>,
) -> Result<()> {
    let start = out.len();
    out.put_u8(kind);
    out.put_i32(0);
    if let Err(error) = body(out) {
        out.truncate(start);
        return Err(error);
    }
    let length =
        i32::try_from(out.len() - start - 1).map_err(|_| Error::internal("message too large"))?;
    if let Some(place) = out.get_mut(start + 1..start + 5) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

fn put_string(out: &mut BytesMut, text: &str) {
    out.extend(text.bytes().filter(|byte| *byte != 0));
    out.put_u8(0);
}

/// Appends a line of COPY TO STDOUT.
pub fn copy_data(out: &mut BytesMut, record: &[u8]) -> Result<()> {
    message(out, b'd', |out| {
        out.extend_from_slice(record);
        Ok(())
    })
}

/// Appends the description of a result.
pub fn row_description(
    out: &mut BytesMut,
    columns: &[OutputColumn],
    formats: &[i16],
) -> Result<()> {
    message(out, b'T', |out| {
        out.put_u16(columns.len() as u16);
        for (index, column) in columns.iter().enumerate() {
            let (table, number) = column.origin.unwrap_or((0, 0));
            put_string(out, &column.name);
            out.put_u32(table);
            out.put_i16(number);
            out.put_u32(column.ty.kind.base().oid());
            out.put_i16(column.ty.kind.size());
            out.put_i32(column.ty.for_client());
            out.put_i16(format_of(formats, index));
        }
        Ok(())
    })
}

/// Appends the end of a statement.
pub fn command_complete(out: &mut BytesMut, tag: &str) -> Result<()> {
    message(out, b'C', |out| {
        put_string(out, tag);
        Ok(())
    })
}

/// Reused between rows.
#[derive(Default)]
pub struct Scratch {
    text: String,
    bytes: Vec<u8>,
}

/// Appends a row, straight into the buffer.
pub fn data_row(
    out: &mut BytesMut,
    row: &[Datum],
    columns: &[OutputColumn],
    formats: &[i16],
    style: &Style,
    scratch: &mut Scratch,
) -> Result<()> {
    message(out, b'D', |out| {
        out.put_u16(columns.len() as u16);
        for (index, (value, column)) in row.iter().zip(columns).enumerate() {
            if value.is_null() {
                out.put_i32(-1);
                continue;
            }
            let encoded = if format_of(formats, index) == 1 {
                scratch.bytes.clear();
                io::write_binary(column.ty.kind, value, &mut scratch.bytes)?;
                scratch.bytes.as_slice()
            } else {
                scratch.text.clear();
                io::write_text(column.ty.kind, value, style, &mut scratch.text)?;
                scratch.text.as_bytes()
            };
            let length = i32::try_from(encoded.len());
            out.put_i32(length.map_err(|_| Error::internal("value too large"))?);
            out.put_slice(encoded);
        }
        Ok(())
    })
}

/// Appends rows that are all there, and the end of their statement.
pub fn ready_rows(
    out: &mut BytesMut,
    rows: &mut Rows,
    formats: &[i16],
    style: &Style,
    scratch: &mut Scratch,
) -> Result<()> {
    let (ready, failed) = rows.take_ready();
    for row in ready {
        data_row(out, &row, &rows.columns, formats, style, scratch)?;
    }
    match failed {
        Some(error) => Err(error),
        None => command_complete(out, &rows.tag()),
    }
}
