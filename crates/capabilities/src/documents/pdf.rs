//! The text of a PDF: what its pages draw, letter by letter. Pages that are pictures have none.

mod page;

use std::fmt::Write;

use hayro_interpret::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro_interpret::{
    Context, InterpreterCache, InterpreterSettings, RectExt, TransformExt, interpret_page,
};

use self::page::PageText;
use super::{DocumentError, DocumentLimits};

/// Of so many letters, one at least must be known for the text to be one.
const KNOWN_ONE_IN: usize = 2;

/// The text of all pages.
pub(super) fn text(bytes: Vec<u8>, limits: &DocumentLimits) -> Result<String, DocumentError> {
    let pdf = Pdf::new(bytes).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => DocumentError::Protected,
        LoadPdfError::Decryption(_) | LoadPdfError::Invalid => DocumentError::Unreadable,
    })?;
    let pages = pdf.pages();
    if pages.is_empty() {
        return Err(DocumentError::Unreadable);
    }
    if pages.len() > limits.pages_max {
        return Err(DocumentError::TooManyPages { pages: pages.len(), pages_max: limits.pages_max });
    }

    let cache = InterpreterCache::new();
    let (mut whole, mut letters, mut unknown) = (String::new(), 0, 0);
    for (index, page) in pages.iter().enumerate() {
        let transform = page.initial_transform(true).to_kurbo();
        let bounds = page.intersected_crop_box().to_kurbo();
        let settings = InterpreterSettings::default();
        let mut context = Context::new(transform, bounds, &cache, pdf.xref(), settings);
        let mut drawn = PageText::new(limits.characters_max);
        interpret_page(page, &mut context, &mut drawn);

        if drawn.is_too_long() {
            return Err(limits.too_much_text());
        }
        letters += drawn.letters();
        unknown += drawn.unknown();
        append(&mut whole, index, pages.len(), drawn.finish().trim());
        limits.check_text(&whole)?;
    }
    let known = letters - unknown;
    if known == 0 || known < letters / KNOWN_ONE_IN { Err(DocumentError::NoText) } else { Ok(whole) }
}

/// Says where a page begins where there are several: people ask what is on which.
fn append(whole: &mut String, index: usize, pages: usize, page: &str) {
    if pages > 1 {
        let gap = if whole.is_empty() { "" } else { "\n\n" };
        let (about, end) = if page.is_empty() { (": no text", "") } else { ("", "\n") };
        // Writing to a string does not fail.
        let _ = write!(whole, "{gap}[page {}{about}]{end}", index + 1);
    }
    whole.push_str(page);
}

#[cfg(test)]
mod tests;
