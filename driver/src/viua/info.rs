//! `viua info`: the numbers of schedulers.

use crate::console::{Console, print};
use crate::failure::{Failure, SUCCESS};
use crate::machine::{MachineArgs, Schedulers, schedulers};
use serde_json::json;

/// The form of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum InfoFormat {
    /// One line
    #[default]
    Text,
    /// One object
    Json,
}

/// Show the numbers of processors and schedulers.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Info {
    /// Text or JSON
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: InfoFormat,
}

pub(crate) fn run(options: &Info, machine: &MachineArgs, console: &Console) -> Result<u8, Failure> {
    let Schedulers { cpus, processes, foreign, io } = schedulers(machine, console);
    let text = match (options.format, console.options.verbose) {
        (InfoFormat::Json, _) => {
            format!("{}\n", json!({ "hardware": cpus, "proc": processes, "ffi": foreign, "io": io }))
        }
        (InfoFormat::Text, 0) => format!("[{cpus}:{processes}:{foreign}:{io}]\n"),
        (InfoFormat::Text, _) => format!("[hardware={cpus}:proc={processes}:ffi={foreign}:io={io}]\n"),
    };
    print(text.as_bytes())?;
    Ok(SUCCESS)
}
