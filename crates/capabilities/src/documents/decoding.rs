//! Text in whatever encoding it was saved.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::DocumentError;

/// HTML and XML say their encoding within so many bytes.
const DECLARED_WITHIN: usize = 1024;

/// So many bytes are looked at to tell one encoding from another.
const GUESSED_FROM: usize = 64 * 1024;

/// One character in so many may be a control character or broken; with more of them it is not text.
const BROKEN_ONE_IN: usize = 20;

/// The text of `bytes`. A mark at their beginning says how they are encoded, then their sender, then they themselves,
/// then UTF-8 if they can be that, and then what they look like.
pub(super) fn text(bytes: &[u8], charset: Option<&'static Encoding>) -> Result<String, DocumentError> {
    let said = Encoding::for_bom(bytes).map(|(encoding, _)| encoding).or(charset).or_else(|| declared(bytes));
    let encoding = match said {
        Some(encoding) if !encoding.decode(bytes).2 => encoding,
        _ if std::str::from_utf8(bytes).is_ok() && !bytes.contains(&0) => UTF_8,
        Some(encoding) => encoding,
        None => sixteen_bits(bytes).unwrap_or_else(|| look(bytes)),
    };
    let (text, _, _) = encoding.decode(bytes);

    let broken = text.chars().filter(|character| is_broken(*character)).count();
    if broken > text.chars().count() / BROKEN_ONE_IN {
        return Err(DocumentError::Unreadable);
    }
    Ok(if broken == 0 { text.into_owned() } else { text.replace(is_control, "") })
}

fn is_broken(character: char) -> bool {
    character == char::REPLACEMENT_CHARACTER || is_control(character)
}

/// Colours of a terminal begin with an escape; that one, pages and lines belong to text.
fn is_control(character: char) -> bool {
    character.is_control() && !matches!(character, '\t' | '\n' | '\r' | '\u{c}' | '\u{1b}')
}

/// `<meta charset="gbk">`, `charset=gbk` in a `content`, or `<?xml … encoding="gbk"?>`.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(DECLARED_WITHIN)]).to_ascii_lowercase();
    let is_markup = head.trim_start().starts_with('<');
    let value =
        ["charset=", "encoding="].iter().find_map(|name| head.split_once(name)).map(|(_, after)| after)?;
    let label = value.trim_start_matches(['"', '\'']);
    let end = label.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c))).unwrap_or(label.len());
    let encoding = Encoding::for_label(&label.as_bytes()[..end])?;
    // Whoever could read that line byte by byte, it is not in sixteen bits.
    let is_sixteen_bits = encoding == UTF_16LE || encoding == UTF_16BE;
    is_markup.then_some(if is_sixteen_bits { UTF_8 } else { encoding })
}

/// UTF-16 without a mark: of spaces, digits, Latin letters and line ends, every other byte is zero.
fn sixteen_bits(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(GUESSED_FROM)];
    let zeros = |offset: usize| head.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (first, second) = (zeros(0), zeros(1));
    let enough = head.len() / 40 + 1;
    // Some ideographs have a zero in the other place, and the commonest of all, that for one, is among them.
    if second >= enough && second > 3 * first {
        Some(UTF_16LE)
    } else if first >= enough && first > 3 * second {
        Some(UTF_16BE)
    } else {
        None
    }
}

fn look(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let head = &bytes[..bytes.len().min(GUESSED_FROM)];
    detector.feed(head, head.len() == bytes.len());
    detector.guess(None, Utf8Detection::Allow)
}

#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, GBK, SHIFT_JIS, WINDOWS_1252};

    use super::*;

    const NOTICE: &str = "图书馆开放通知\n自三月一日起，市图书馆调整开放时间。期刊室一层 8:30 到 20:00。\n";

    fn utf_16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn a_notice_saved_on_an_old_computer_is_read() {
        for encoding in [GBK, UTF_8] {
            assert_eq!(text(&encoding.encode(NOTICE).0, None).unwrap(), NOTICE, "{}", encoding.name());
        }
        let (taiwan, japan) =
            ("圖書館開放時間：每日上午九時至下午五時。", "図書館のかいかん時間のおしらせです。");
        assert_eq!(text(&BIG5.encode(taiwan).0, None).unwrap(), taiwan);
        assert_eq!(text(&SHIFT_JIS.encode(japan).0, None).unwrap(), japan);
        let menu = "Le café crème à emporter coûte déjà 3,50 €.";
        assert_eq!(text(&WINDOWS_1252.encode(menu).0, None).unwrap(), menu);
    }

    #[test]
    fn sixteen_bits_are_known_with_and_without_their_mark() {
        let (little, big) = (utf_16(NOTICE, u16::to_le_bytes), utf_16(NOTICE, u16::to_be_bytes));
        assert_eq!(text(&little, None).unwrap(), NOTICE);
        assert_eq!(text(&big, None).unwrap(), NOTICE);
        assert_eq!(text(&[b"\xff\xfe", little.as_slice()].concat(), None).unwrap(), NOTICE);
        assert_eq!(text(&[b"\xfe\xff", big.as_slice()].concat(), None).unwrap(), NOTICE);
        assert_eq!(text(&[b"\xef\xbb\xbf", NOTICE.as_bytes()].concat(), None).unwrap(), NOTICE);
    }

    #[test]
    fn a_page_that_says_its_encoding_is_believed() {
        let page = "<html><head><meta charset=\"gbk\"></head><body>你好</body></html>";
        assert_eq!(text(&GBK.encode(page).0, None).unwrap(), page);
        let feed = "<?xml version='1.0' encoding='Big5'?><a>圖書館</a>";
        assert_eq!(text(&BIG5.encode(feed).0, None).unwrap(), feed);
    }

    #[test]
    fn a_sender_that_is_wrong_about_the_encoding_does_no_harm() {
        assert_eq!(text("naïve 你好 ok".as_bytes(), Some(encoding_rs::EUC_KR)).unwrap(), "naïve 你好 ok");
        assert_eq!(text(&GBK.encode(NOTICE).0, Some(GBK)).unwrap(), NOTICE);
    }

    #[test]
    fn a_program_that_is_called_text_is_not_text() {
        let program: Vec<u8> = (0..4000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert_eq!(text(&program, None), Err(DocumentError::Unreadable));
        let log = format!("{}\0", "a line of a log\n".repeat(10));
        assert_eq!(text(log.as_bytes(), None).unwrap(), "a line of a log\n".repeat(10));
    }
}
