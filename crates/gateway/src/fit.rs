use inference::{ChatRequest, Message, Part};

use crate::{Gateway, ModelCard};

/// What a model without sight is told in a picture's place (`anthropic-api.md` §5.4).
pub const UNSEEN_PICTURE: &str = "[image: this model cannot see pictures; use the vision MCP server]";

/// The same for what else it cannot take in.
const UNSEEN_FILM: &str = "[video: this model cannot see films]";
const UNSEEN_DOCUMENT: &str = "[document: this model cannot read files]";
const UNHEARD_SOUND: &str = "[audio: this model cannot hear]";

impl Gateway {
    /// Makes a request fit the model it leads to, for clients that know nothing of the models here and could not go on
    /// from a refusal: what is in a conversation comes back with every turn of it.
    ///
    /// A model without sight gets a note in the place of each picture, and nothing is asked to be longer than its model
    /// writes. A request for a model that is not there stays as it is.
    pub fn fit(&self, request: &mut ChatRequest) {
        if let Ok(model) = self.catalogue().chat_model(&request.model) {
            fit(request, &model.card);
        }
    }
}

fn fit(request: &mut ChatRequest, card: &ModelCard) {
    if let (Some(asked), Some(most)) = (&mut request.max_tokens, card.max_tokens_max) {
        *asked = most.min(*asked);
    }
    if card.takes_media {
        return;
    }
    let parts = request.messages.iter_mut().flat_map(|message| match message {
        Message::System { content } | Message::User { content } | Message::Tool { content, .. } => {
            content.as_mut_slice()
        }
        Message::Assistant { .. } => &mut [],
    });
    for part in parts {
        let Some(note) = note_for(part) else { continue };
        *part = Part::text(note);
        // What the client sent says something else now.
        request.original = None;
    }
}

fn note_for(part: &Part) -> Option<&'static str> {
    match part {
        Part::Text { .. } => None,
        Part::Image { .. } => Some(UNSEEN_PICTURE),
        Part::Video { .. } => Some(UNSEEN_FILM),
        Part::File { .. } => Some(UNSEEN_DOCUMENT),
        Part::Audio { .. } => Some(UNHEARD_SOUND),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use inference::Original;

    use super::*;

    fn card(name: &str) -> &'static ModelCard {
        ModelCard::documented().iter().find(|card| card.name.as_str() == name).unwrap()
    }

    fn with_a_picture() -> ChatRequest {
        let picture = || Part::Image { url: "data:image/png;base64,AAAA".to_owned() };
        let asked = Message::User { content: vec![Part::text("What is this?"), picture()] };
        let read = Message::Tool { tool_call_id: "call_1".to_owned(), content: vec![picture()] };
        let mut request = ChatRequest::new("glm-4.7".parse().unwrap(), vec![asked, read]);
        request.max_tokens = Some(1_000_000);
        request.original = Some(Original::Messages(Arc::from(&b"{}"[..])));
        request
    }

    /// anthropic-api.md §5.4: a picture never stops a conversation with a model that has no sight.
    #[test]
    fn a_model_without_sight_is_told_of_pictures() {
        let mut request = with_a_picture();
        fit(&mut request, card("glm-4.7"));
        let note = Part::text(UNSEEN_PICTURE);
        let [Message::User { content: asked }, Message::Tool { content: read, .. }] = &request.messages[..]
        else {
            panic!("the turns stay")
        };
        assert_eq!(*asked, [Part::text("What is this?"), note.clone()]);
        assert_eq!(*read, [note]);
        assert_eq!(request.original, None);
    }

    #[test]
    fn a_model_with_sight_gets_the_pictures() {
        let mut request = with_a_picture();
        fit(&mut request, card("glm-4.6v"));
        let expected = ChatRequest { max_tokens: request.max_tokens, ..with_a_picture() };
        assert_eq!(request, expected);
    }

    /// anthropic-api.md §3: coding tools ask for more than some models write.
    #[test]
    fn nothing_longer_than_the_model_writes_is_asked_of_it() {
        let mut request = with_a_picture();
        fit(&mut request, card("glm-4.5-air"));
        assert_eq!(request.max_tokens, card("glm-4.5-air").max_tokens_max);
    }
}
