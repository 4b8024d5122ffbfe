//! `viua verify`: only the checks.

use crate::console::Console;
use crate::failure::{Failure, REFUSED, SUCCESS};
use std::path::PathBuf;

/// Check that programs and libraries are sound, without running them.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Verify {
    /// Programs and libraries
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub(crate) fn run(options: &Verify, console: &Console) -> Result<u8, Failure> {
    let mut code = SUCCESS;
    for path in &options.files {
        let shown = path.display();
        let fault = match std::fs::read(path) {
            Err(_) => Some(format!("failed to open file: {shown}")),
            Ok(bytes) => match viua_bytecode::read_container(&bytes, &shown.to_string()) {
                Err(error) => Some(error.to_string()),
                Ok(container) => {
                    container.warnings.iter().for_each(|what| console.warning(&format!("{shown}: {what}")));
                    None
                }
            },
        };
        match fault {
            Some(fault) => {
                console.error(&fault);
                code = REFUSED;
            }
            None => console.progress(|| format!("{shown}: sound")),
        }
    }
    Ok(code)
}
