use std::path::PathBuf;

use accounts::DocumentName;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// Which document.
#[derive(Args)]
pub(crate) struct DocumentArgument {
    /// Which document.
    #[arg(value_name = "DOCUMENT", value_parser = document_name())]
    pub(crate) name: DocumentName,
}

#[derive(Args)]
pub(crate) struct ShowDocument {
    #[command(flatten)]
    pub(crate) document: DocumentArgument,
    /// An earlier version, as `azimuth admin history` shows it.
    #[arg(long)]
    pub(crate) version: Option<i64>,
}

#[derive(Args)]
pub(crate) struct SetDocument {
    #[command(flatten)]
    pub(crate) document: DocumentArgument,
    /// A file with the whole document as JSON; `-` reads the input.
    pub(crate) file: PathBuf,
    /// The version that was changed: if another is in force, nothing is written.
    #[arg(long, value_name = "VERSION")]
    pub(crate) base: Option<i64>,
}

#[derive(Args)]
pub(crate) struct EditDocument {
    #[command(flatten)]
    pub(crate) document: DocumentArgument,
    /// The editor.
    #[arg(long, env = "EDITOR", value_name = "COMMAND")]
    pub(crate) editor: Option<String>,
}

#[derive(Args)]
pub(crate) struct History {
    #[command(flatten)]
    pub(crate) document: DocumentArgument,
    /// The most versions to show.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=50))]
    pub(crate) limit: u32,
}

fn document_name() -> impl TypedValueParser<Value = DocumentName> {
    PossibleValuesParser::new(DocumentName::ALL.map(DocumentName::as_str))
        .try_map(|text| text.parse::<DocumentName>())
}
