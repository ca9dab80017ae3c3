use std::path::Path;

use super::*;

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/documents");
    std::fs::read(folder.join(name)).unwrap()
}

fn read(bytes: Vec<u8>) -> Result<String, DocumentError> {
    text(bytes, &DocumentLimits::default())
}

/// A PDF whose pages draw `contents`, in Helvetica (F1) and in a Chinese font that is not embedded (F2, F3).
fn pdf(contents: &[&str]) -> Vec<u8> {
    let mut file = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n\
        3 0 obj<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>\
        /F2<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/GBK-EUC-H/DescendantFonts[4 0 R]>>\
        /F3<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/GBK-EUC-V/DescendantFonts[4 0 R]>>>>>>endobj\n\
        4 0 obj<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light\
        /CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 2>>/DW 1000>>endobj\n"
        .to_owned();
    let mut kids = String::new();
    for (index, content) in contents.iter().enumerate() {
        let (page, stream) = (10 + 2 * index, 11 + 2 * index);
        kids += &format!("{page} 0 R ");
        file += &format!(
            "{page} 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 400]/Resources 3 0 R/Contents {stream} 0 R>>endobj\n\
             {stream} 0 obj<</Length {}>>stream\n{content}\nendstream endobj\n",
            content.len() + 1
        );
    }
    let count = contents.len();
    file +=
        &format!("2 0 obj<</Type/Pages/Kids[{kids}]/Count {count}>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF");
    file.into_bytes()
}

/// A page of one paragraph of instructions.
fn page(content: &str) -> String {
    read(pdf(&[&format!("BT /F1 10 Tf 20 300 Td {content} ET")])).unwrap()
}

/// How many of `truth`'s letters are wrong, in thousandths.
fn wrong_per_mille(read: &str, truth: &str) -> usize {
    let letters = |text: &str| -> Vec<char> {
        text.chars()
            .filter(|letter| !letter.is_whitespace() && *letter != '•')
            .map(|letter| match letter {
                '‘' | '’' => '\'',
                '“' | '”' => '"',
                '–' | '—' => '-',
                _ => letter,
            })
            .collect()
    };
    let (read, truth) = (letters(read), letters(truth));
    let mut row: Vec<usize> = (0..=truth.len()).collect();
    for (above, one) in read.iter().enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (index, other) in truth.iter().enumerate() {
            let changed = diagonal + usize::from(one != other);
            diagonal = row[index + 1];
            row[index + 1] = changed.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row[truth.len()] * 1000 / truth.len()
}

#[test]
fn pages_in_english_and_chinese_are_read_without_a_mistake() {
    for name in ["prose-en", "prose-zh", "mixed-zh", "table-en", "twocolumn-en", "code-en"] {
        let found = read(fixture(&format!("{name}.pdf"))).unwrap();
        let truth = String::from_utf8(fixture(&format!("{name}.txt"))).unwrap();
        assert_eq!(wrong_per_mille(&found, &truth), 0, "{name}:\n{found}");
    }
}

#[test]
fn words_rows_and_lines_stay_what_they_are() {
    let prose = read(fixture("prose-en.pdf")).unwrap();
    assert!(
        prose.contains("The Declaration of Independence\nWhen in the Course of human events, it"),
        "{prose}"
    );
    let chinese = read(fixture("prose-zh.pdf")).unwrap();
    assert!(chinese.contains("晋太元中，武陵人捕鱼为业。缘溪行，忘路之远近。"), "no spaces: {chinese}");
    let table = read(fixture("table-en.pdf")).unwrap();
    assert!(table.contains("\nNorth 2\tBiscay Star\tGrain\t880\t2,640.50\n"), "{table}");
    let code = read(fixture("code-en.pdf")).unwrap();
    assert!(code.contains("\n    let h: u32 = h.parse().map_err(|_| \"bad height\")?;\n"), "{code}");
}

/// A scan is a picture of text, and pictures are not read here.
#[test]
fn a_scan_has_no_text() {
    assert_eq!(read(fixture("scanned-all.pdf")), Err(DocumentError::NoText));
}

/// Claude Code's own document, which lacks the table that says where its parts are.
#[test]
fn the_document_that_a_client_really_sends_is_read() {
    assert_eq!(read(pdf(&["BT /F1 24 Tf 20 100 Td (Hello PDF) Tj ET"])).unwrap(), "Hello PDF");
}

#[test]
fn chinese_in_a_font_that_is_not_in_the_file_is_read_in_both_directions() {
    let across = "BT /F2 20 Tf 20 300 Td <CDBCCAE9B9DD> Tj 0 -24 Td <BFAAB7C5CDA8D6AA> Tj ET";
    assert_eq!(read(pdf(&[across])).unwrap(), "图书馆\n开放通知");
    let down = "BT /F3 20 Tf 300 380 Td <CDBCCAE9B9DD> Tj -24 0 Td <BFAAB7C5CDA8D6AA> Tj ET";
    assert_eq!(read(pdf(&[down])).unwrap(), "图书馆\n开放通知");
}

#[test]
fn spaces_come_from_the_places_of_letters() {
    assert_eq!(page("[(no) -300 (space) -20 (s)] TJ"), "no spaces");
    assert_eq!(page("(one ) Tj 60 0 Td (two) Tj"), "one\ttwo");
    assert_eq!(
        page("(a line) Tj 0 -12 Td (and the next) Tj 0 -30 Td (a paragraph) Tj"),
        "a line\nand the next\n\na paragraph"
    );
    assert_eq!(page("(note) Tj 4 Ts /F1 6 Tf (1) Tj"), "note1", "a raised mark stays on its line");
}

#[test]
fn what_is_drawn_twice_is_said_once() {
    assert_eq!(page("2 Tr (an outline) Tj"), "an outline");
    assert_eq!(page("(bold) Tj 0.3 0 Td (bold) Tj"), "bold");
    assert_eq!(page("(ha) Tj (ha) Tj"), "haha");
}

/// Programs that read scans put the letters under the picture, unseen.
#[test]
fn letters_under_a_scan_are_read() {
    assert_eq!(page("3 Tr (recognised) Tj"), "recognised");
}

#[test]
fn pages_are_numbered_where_there_are_several() {
    let [first, third] = ["one", "three"].map(|word| format!("BT /F1 12 Tf 20 300 Td ({word}) Tj ET"));
    let found = read(pdf(&[&first, "", &third])).unwrap();
    assert_eq!(found, "[page 1]\none\n\n[page 2: no text]\n\n[page 3]\nthree");
}

#[test]
fn limits_are_named() {
    let contents = vec!["BT /F1 12 Tf 20 300 Td (some words) Tj ET"; 3];
    let limits = DocumentLimits { pages_max: 2, ..DocumentLimits::default() };
    let refused = text(pdf(&contents), &limits).unwrap_err();
    assert_eq!(refused.to_string(), "the document has 3 pages, more than 2");
    let limits = DocumentLimits { characters_max: 15, ..DocumentLimits::default() };
    assert_eq!(text(pdf(&contents), &limits), Err(DocumentError::TooMuchText { characters_max: 15 }));
}

#[test]
fn a_password_is_asked_for_and_damage_is_said() {
    assert_eq!(read(locked(pdf(&["BT ET"]))), Err(DocumentError::Protected));
    for bytes in [b"".as_slice(), b"%PDF-1.7", b"not a PDF at all", &[0xff; 4096]] {
        assert_eq!(read(bytes.to_vec()), Err(DocumentError::Unreadable));
    }
}

/// The same with a password that nobody knows, and with the table without which locks are not looked for.
fn locked(file: Vec<u8>) -> Vec<u8> {
    let file = String::from_utf8(file).unwrap();
    let (objects, _) = file.split_once("trailer").unwrap();
    let mut table = String::from("xref\n");
    for (place, _) in objects.match_indices(" 0 obj") {
        let start = objects[..place].rfind('\n').unwrap() + 1;
        table += &format!("{} 1\n{start:010} 00000 n \n", &objects[start..place]);
    }
    let zeros = "00".repeat(32);
    let lock = format!("/Filter/Standard/V 1/R 2/P -4/Length 40/O<{zeros}>/U<{zeros}>");
    let trailer = format!("trailer<</Size 20/Root 1 0 R/ID[<01><01>]/Encrypt<<{lock}>>>>");
    format!("{objects}{table}{trailer}\nstartxref\n{}\n%%EOF", objects.len()).into_bytes()
}

/// A download that stopped, or that a proxy changed, is an error or a part of the text; never a panic.
#[test]
fn a_file_that_is_cut_or_changed_anywhere_does_no_harm() {
    let whole = fixture("prose-zh.pdf");
    for cut in (0..whole.len()).step_by(whole.len() / 60) {
        let _ = read(whole[..cut].to_vec());
    }
    let mut random = 1_u32;
    for _ in 0..60 {
        let mut changed = whole.clone();
        for _ in 0..20 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let place = random as usize % changed.len();
            changed[place] = (random >> 24) as u8;
        }
        let _ = read(changed);
    }
}
