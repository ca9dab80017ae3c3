use inference::parser::{Generation, OutputParser, Stop};
use inference::{ChatEvent, FinishReason, Tool};

/// What the events of an answer amount to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    pub reasoning: String,
    pub content: String,
    pub calls: Vec<Call>,
    pub reason: Option<FinishReason>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Call {
    pub name: String,
    pub arguments: String,
    pub is_finished: bool,
}

impl Answer {
    /// Adds events, and checks their order: a call is announced once, before its fragments, and after it is
    /// finished no more of it comes.
    pub fn add(&mut self, events: &[ChatEvent]) {
        for event in events {
            match event {
                ChatEvent::Reasoning(text) => {
                    assert!(!text.is_empty() && self.calls.is_empty() && self.content.is_empty());
                    self.reasoning.push_str(text);
                }
                ChatEvent::Content(text) => {
                    assert!(!text.is_empty() && self.calls.iter().all(|call| call.is_finished));
                    self.content.push_str(text);
                }
                ChatEvent::ToolCallStarted { index, id, name } => {
                    assert!(self.calls.iter().all(|call| call.is_finished));
                    assert_eq!(*index as usize, self.calls.len());
                    assert!(id.starts_with("call_"));
                    self.calls.push(Call { name: name.clone(), ..Call::default() });
                }
                ChatEvent::ToolCallArguments { index, fragment } => {
                    assert!(!fragment.is_empty());
                    self.open_call(*index).arguments.push_str(fragment);
                }
                ChatEvent::ToolCallFinished { index } => self.open_call(*index).is_finished = true,
                other => panic!("the parser has no business with {other:?}"),
            }
        }
    }

    fn open_call(&mut self, index: u32) -> &mut Call {
        assert_eq!(index as usize + 1, self.calls.len());
        self.calls.last_mut().filter(|call| !call.is_finished).expect("the call is still open")
    }

    /// Whether everything here is also there, in the same place, and there may be more.
    pub fn is_prefix_of(&self, other: &Self) -> bool {
        let calls = self.calls.iter().enumerate().all(|(index, call)| {
            let there = other.calls.get(index);
            there.is_some_and(|there| there.name == call.name && there.arguments.starts_with(&call.arguments))
        });
        other.reasoning.starts_with(&self.reasoning) && other.content.starts_with(&self.content) && calls
    }
}

/// A request and the way its answer ended.
#[derive(Clone, Debug)]
pub struct Setting {
    pub generation: Generation,
    pub thinking: bool,
    pub tools: Vec<Tool>,
    pub stop: Stop,
}

impl Setting {
    pub fn parser(&self) -> OutputParser {
        OutputParser::new(self.generation, self.thinking, &self.tools)
    }

    pub fn parse<'a>(&self, pieces: impl IntoIterator<Item = &'a [u8]>) -> Answer {
        let mut parser = self.parser();
        let mut answer = Answer::default();
        let mut events = Vec::new();
        for piece in pieces {
            parser.feed(piece, &mut events);
            answer.add(&events);
            events.clear();
        }
        answer.reason = Some(parser.finish(self.stop, &mut events));
        answer.add(&events);
        assert_eq!(parser.calls(), answer.calls.iter().filter(|call| call.is_finished).count());
        assert!(!parser.is_reasoning() && !parser.in_tool_call());
        answer
    }

    pub fn parse_whole(&self, output: &[u8]) -> Answer {
        self.parse([output])
    }

    /// Cuts after lengths taken from `cuts` in turn.
    pub fn parse_cut(&self, output: &[u8], cuts: &[usize]) -> Answer {
        let mut rest = output;
        let pieces = cuts.iter().cycle().map_while(move |&cut| {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            rest = after;
            (!piece.is_empty()).then_some(piece)
        });
        self.parse(pieces)
    }
}
