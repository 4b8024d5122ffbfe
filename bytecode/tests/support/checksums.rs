//! Checksums of damaged files, so that the checks behind them are reached. Fuzzing uses this file, too.

/// Makes all checksums of a file right again, as far as there is a table.
pub fn fix_checksums(file: &mut [u8]) {
    let field = |file: &[u8], at: usize, length: usize| -> Option<u64> {
        let bytes = file.get(at..at + length)?;
        Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    };
    let Some(count) = field(file, 16, 4) else { return };
    let mut table_end = 64;
    for row in (0..count.min(64)).map(|at| 64 + 32 * at as usize) {
        let (Some(offset), Some(length)) = (field(file, row + 8, 8), field(file, row + 16, 8)) else { return };
        let Some(table_row) = file.get(row..row + 32) else { return };
        table_end = row + table_row.len();
        let content = usize::try_from(offset).ok().zip(usize::try_from(length).ok());
        let content = content.and_then(|(offset, length)| file.get(offset..offset.checked_add(length)?));
        if let Some(checksum) = content.map(crc32c::crc32c) {
            file[row + 24..row + 28].copy_from_slice(&checksum.to_le_bytes());
        }
    }
    if file.len() >= table_end {
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&file[..60]), &file[64..table_end]);
        file[60..64].copy_from_slice(&checksum.to_le_bytes());
    }
}
