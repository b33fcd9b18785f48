//! The answer to what an entity has asked another one.
//!
//! An answer crosses as one message. The entity that was asked knows its own reply as bytes only; so [`encode_answered`] puts those into
//! an answer without reading them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shape;
use crate::{Refusal, encode};

/// The answer to a message that was asked with [`Tx::ask`](crate::Tx::ask): told once, whichever it is. The entity that was asked is
/// [`Tx::sender`](crate::Tx::sender).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Answer<R> {
    /// The handler ran to its end, with this reply.
    Answered(R),
    /// The entity refused, and is as it was.
    Refused(Refusal),
    /// No answer has come in time. The message may have been applied, or may yet be.
    Expired,
    /// The message could not be applied, and will not be: the entity is as it was.
    Failed(Reason),
}

/// Why a message could not be applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// A short word for programs, such as `not-found` or `handler-panicked`.
    pub code: String,
    /// A sentence for people.
    pub text: String,
}

/// The encoding of a map of one pair whose key is the name of [`Answer::Answered`].
const ANSWERED: &[u8] = b"\x81\xa8Answered";

/// The encoding of nothing, which is the reply of a handler that gives none.
const NOTHING: &[u8] = b"\xc0";

/// The encoding of [`Answer::Answered`] with a reply that is encoded already; of [`Answer::Failed`], if the reply is nested so deep that
/// it could not be read within an answer.
#[must_use]
pub fn encode_answered(reply: &[u8]) -> Vec<u8> {
    let answer = [ANSWERED, if reply.is_empty() { NOTHING } else { reply }].concat();
    if shape::is_shallow(&answer) {
        return answer;
    }
    let (code, text) = ("reply-too-deep".to_owned(), "the reply is nested too deep for an answer".to_owned());
    encode(&Answer::<()>::Failed(Reason { code, text }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode;
    use crate::limits::NESTING_MAX;

    #[test]
    fn a_reply_that_is_encoded_becomes_the_answer_that_holds_it() {
        assert_eq!(encode_answered(&encode(&7_u32)), encode(&Answer::Answered(7_u32)));
        assert_eq!(encode_answered(&encode(&())), encode(&Answer::Answered(())));
        assert_eq!(encode_answered(&[]), encode(&Answer::Answered(())));
        let list = vec![Some("tea".to_owned()), None];
        assert_eq!(decode(&encode_answered(&encode(&list))), Ok(Answer::Answered(list)));
    }

    #[test]
    fn an_answer_without_a_reply_reads_as_one_of_any_type() {
        let reason = Reason { code: "not-found".to_owned(), text: "there is no such entity".to_owned() };
        for answer in [Answer::Refused(Refusal::new("no")), Answer::Expired, Answer::Failed(reason)] {
            let as_text: Answer<String> = decode(&encode::<Answer<u64>>(&answer)).expect("an answer");
            assert_eq!(encode(&as_text), encode(&answer));
        }
    }

    #[test]
    fn a_reply_that_is_too_deep_for_an_answer_is_a_failure() {
        let reply = |depth: usize| [vec![0x91; depth - 1], vec![0xC0]].concat();
        let read = |depth| decode::<Answer<serde::de::IgnoredAny>>(&encode_answered(&reply(depth)));
        assert!(matches!(read(NESTING_MAX - 1), Ok(Answer::Answered(_))));
        assert!(matches!(read(NESTING_MAX + 1), Ok(Answer::Failed(_))));
    }
}
