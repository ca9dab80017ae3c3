//! Letters that are drawn one by one, put together to lines.
//!
//! The order is the one in which the page draws them, which for nearly every writer of PDFs is the order of reading:
//! putting them in order by their places would mix the columns of a page. Spaces, line ends and paragraphs are seen
//! from the places.

use hayro_interpret::font::{Glyph, GlyphRun};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::kurbo::{Affine, BezPath, Point, Vec2};
use hayro_interpret::{BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask};

/// A glyph's own units in an em.
const EM: f64 = 1000.0;

/// Distances, in the mean size of the two letters they are between.
const SPACE: f64 = 0.14;
/// Chinese and Japanese text is set with air between its characters, and no spaces.
const IDEOGRAPHIC_SPACE: f64 = 0.6;
/// The cells of a table stand further apart than words do, even on lines that are spread to the margin.
const CELL: f64 = 0.9;
/// How far a letter may go back and still follow the one before it.
const BACK: f64 = 0.8;
/// Small letters that are raised or lowered still stand on their line.
const LINE: f64 = 0.6;
const PARAGRAPH: f64 = 1.75;
/// Letters that lie so close on each other are one, drawn again to be bold or to have an outline.
const AGAIN: f64 = 0.15;

/// Collects what a page says.
pub(super) struct PageText {
    text: String,
    characters: usize,
    characters_max: usize,
    letters: usize,
    unknown: usize,
    last: Option<Letter>,
    /// What was drawn last, by one instruction.
    last_run: Vec<Letter>,
}

#[derive(Clone, PartialEq)]
struct Letter {
    text: LetterText,
    start: Point,
    /// Where the next letter of the same word begins.
    end: Point,
    /// The direction of writing, of length one.
    direction: Vec2,
    size: f64,
}

#[derive(Clone, PartialEq)]
enum LetterText {
    One(char),
    Several(String),
}

enum Gap {
    None,
    Space,
    Cell,
    Line,
    Paragraph,
}

impl PageText {
    /// Takes little more than `characters_max`.
    pub(super) fn new(characters_max: usize) -> Self {
        Self {
            text: String::new(),
            characters: 0,
            characters_max,
            letters: 0,
            unknown: 0,
            last: None,
            last_run: Vec::new(),
        }
    }

    /// How many letters were drawn.
    pub(super) fn letters(&self) -> usize {
        self.letters
    }

    /// How many of them do not tell which they are.
    pub(super) fn unknown(&self) -> usize {
        self.unknown
    }

    /// Whether there is more than was taken.
    pub(super) fn is_too_long(&self) -> bool {
        self.characters > self.characters_max
    }

    /// The text of the page.
    pub(super) fn finish(mut self) -> String {
        trim_line(&mut self.text);
        self.text
    }

    fn put(&mut self, letter: &Letter) {
        if self.is_too_long() {
            return;
        }
        let gap = self.last.as_ref().map_or(Gap::None, |last| last.gap_to(letter));
        match gap {
            Gap::None => {}
            Gap::Space if self.text.ends_with(char::is_whitespace) => {}
            Gap::Space => self.push(' '),
            Gap::Cell => {
                trim_line(&mut self.text);
                self.push('\t');
            }
            Gap::Line => self.break_line(1),
            Gap::Paragraph => self.break_line(2),
        }
        match &letter.text {
            LetterText::One(character) => self.push_letter(*character),
            LetterText::Several(characters) => characters.chars().for_each(|each| self.push_letter(each)),
        }
        self.last = Some(letter.clone());
    }

    fn push_letter(&mut self, character: char) {
        self.letters += 1;
        match character {
            '\u{fb00}' => self.push_all("ff"),
            '\u{fb01}' => self.push_all("fi"),
            '\u{fb02}' => self.push_all("fl"),
            '\u{fb03}' => self.push_all("ffi"),
            '\u{fb04}' => self.push_all("ffl"),
            '\u{fb05}' | '\u{fb06}' => self.push_all("st"),
            '\u{a0}' => self.push(' '),
            // Places where a word might have been divided.
            '\u{ad}' | '\u{200b}' => {}
            _ if character == char::REPLACEMENT_CHARACTER || is_private(character) => {
                self.unknown += 1;
                self.push(char::REPLACEMENT_CHARACTER);
            }
            _ if character.is_control() => {}
            _ => self.push(character),
        }
    }

    fn push_all(&mut self, characters: &str) {
        characters.chars().for_each(|character| self.push(character));
    }

    fn push(&mut self, character: char) {
        self.characters += 1;
        self.text.push(character);
    }

    /// Many a page draws spaces where it draws nothing: of empty lines, one is enough.
    fn break_line(&mut self, ends: usize) {
        trim_line(&mut self.text);
        let there = self.text.len() - self.text.trim_end_matches('\n').len();
        if !self.text.is_empty() {
            (there..(there + ends).min(2)).for_each(|_| self.push('\n'));
        }
    }

    /// Whether `run` is the one before it, drawn once more.
    fn is_again(&self, run: &[Letter]) -> bool {
        let same = |(one, other): (&Letter, &Letter)| {
            one.text == other.text && one.start.distance(other.start) < AGAIN * other.size
        };
        run.len() == self.last_run.len() && run.iter().zip(&self.last_run).all(same)
    }
}

impl Letter {
    fn new(glyph: &Glyph<'_>, transform: Affine, mode: WritingMode) -> Option<Self> {
        let advance = match glyph {
            Glyph::Outline(outline) => outline.advance_width(),
            Glyph::Type3(drawing) => drawing.advance_width(),
        };
        let (along, up) = match mode {
            WritingMode::Horizontal => {
                (Vec2::new(f64::from(advance.unwrap_or(0.0)), 0.0), Vec2::new(0.0, EM))
            }
            WritingMode::Vertical => (Vec2::new(0.0, -EM), Vec2::new(EM, 0.0)),
        };
        let moved = |by: Vec2| transform * by.to_point() - transform * Point::ZERO;
        let start = transform * Point::ZERO;
        let direction = match mode {
            WritingMode::Horizontal => moved(Vec2::new(EM, 0.0)),
            WritingMode::Vertical => moved(along),
        };
        let size = moved(up).hypot();
        let is_drawn = start.is_finite() && size.is_finite() && size > 0.0 && direction.hypot() > 0.0;
        is_drawn.then(|| Self {
            text: match glyph.as_unicode() {
                Some(BfString::Char(character)) => LetterText::One(character),
                Some(BfString::String(characters)) => LetterText::Several(characters),
                None => LetterText::One(char::REPLACEMENT_CHARACTER),
            },
            start,
            end: start + moved(along),
            direction: direction.normalize(),
            size,
        })
    }

    fn gap_to(&self, next: &Self) -> Gap {
        let size = f64::midpoint(self.size, next.size);
        let way = next.start - self.end;
        let along = way.dot(self.direction) / size;
        let across = way.cross(self.direction).abs() / size;
        let is_turned = self.direction.dot(next.direction) < 0.9;
        let space = if self.is_ideographic() && next.is_ideographic() { IDEOGRAPHIC_SPACE } else { SPACE };

        if is_turned || across > PARAGRAPH {
            Gap::Paragraph
        } else if across > LINE || along < -BACK {
            Gap::Line
        } else if along > CELL {
            Gap::Cell
        } else if along > space {
            Gap::Space
        } else {
            Gap::None
        }
    }

    fn is_ideographic(&self) -> bool {
        // From the first radical to the last ideograph and the full-width forms; Korean does have spaces.
        match &self.text {
            LetterText::One(character) => matches!(
                character,
                '\u{2e80}'..='\u{abff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}'
            ),
            LetterText::Several(_) => false,
        }
    }
}

fn is_private(character: char) -> bool {
    matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

/// Takes the spaces off the end of the last line.
fn trim_line(text: &mut String) {
    text.truncate(text.trim_end_matches([' ', '\t']).len());
}

impl<'a> Device<'a> for PageText {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        let mode = run.writing_mode();
        let letters: Vec<Letter> = run
            .glyphs()
            .iter()
            .filter_map(|glyph| Letter::new(glyph, props.transform * glyph.transform(), mode))
            .collect();
        if letters.is_empty() || self.is_again(&letters) {
            return;
        }
        letters.iter().for_each(|letter| self.put(letter));
        self.last_run = letters;
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}
