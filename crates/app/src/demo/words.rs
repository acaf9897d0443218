//! What people of the demo say, in English and Korean, and how a letter's subject is understood.

/// What a customer writes about. Each has a queue, tags and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    Delivery,
    Exchange,
    Payment,
    Repair,
    Question,
}

impl Topic {
    pub const ALL: [Self; 5] = [
        Self::Delivery,
        Self::Exchange,
        Self::Payment,
        Self::Repair,
        Self::Question,
    ];

    /// From the words of the first message, as a person at the front desk would.
    pub fn of(subject: &str) -> Self {
        let says = |words: &[&str]| words.iter().any(|word| subject.contains(word));
        if says(&["charged", "payments", "결제", "카드"]) {
            Self::Payment
        } else if says(&["wrong size", "swap", "교환", "바꿀"]) {
            Self::Exchange
        } else if says(&["stopped working", "noise", "고장", "소리"]) {
            Self::Repair
        } else if says(&["arrive", "Tracking", "안 왔", "배송조회"]) {
            Self::Delivery
        } else {
            Self::Question
        }
    }

    pub const fn queue_name(self) -> &'static str {
        match self {
            Self::Delivery => "Orders 주문·배송",
            Self::Exchange => "Returns 교환·반품",
            Self::Payment => "Billing 결제",
            Self::Repair => "Repairs 수리",
            Self::Question => "Questions 상품 문의",
        }
    }

    pub const fn tags(self) -> &'static [&'static str] {
        match self {
            Self::Delivery => &["delivery", "courier"],
            Self::Exchange => &["exchange", "size"],
            Self::Payment => &["refund", "double charge"],
            Self::Repair => &["warranty", "photos asked"],
            Self::Question => &["stock", "gift"],
        }
    }

    /// The first answer asks, the second tells what happens, the third settles it.
    pub const fn answers(self, korean: bool) -> [&'static str; 3] {
        match (self, korean) {
            (Self::Delivery, false) => [
                "Hello {name}, I'm sorry for the wait. Could you send me the order number? I'll look at once.",
                "Thank you. The parcel is stuck at the sorting centre, so I've asked the courier to move it today.",
                "Good news: it is out for delivery and should reach you tomorrow before noon.",
            ],
            (Self::Delivery, true) => [
                "{name}님 안녕하세요. 기다리게 해 드려 죄송합니다. 주문번호 알려주시면 바로 확인해 드릴게요.",
                "확인 감사합니다. 물류센터에서 멈춰 있어서 택배사에 오늘 출고를 요청했습니다.",
                "방금 배송이 출발했습니다. 내일 오전 중에 받아보실 수 있어요.",
            ],
            (Self::Exchange, false) => [
                "Hi {name}, of course. Which size or colour would you like instead?",
                "It's reserved for you. A return label is on its way to you, and shipping is free both ways.",
                "Your parcel arrived here and the new one left this morning. Enjoy it!",
            ],
            (Self::Exchange, true) => [
                "{name}님, 물론 가능합니다. 원하시는 사이즈나 색상을 알려주세요.",
                "교환 상품을 빼 두었습니다. 반품 송장을 보내드렸고 왕복 배송비는 저희가 부담합니다.",
                "보내주신 상품 잘 받았고, 새 상품은 오늘 아침에 출고되었습니다.",
            ],
            (Self::Payment, false) => [
                "Hello {name}, that should not happen. I'm looking at the payments now.",
                "You are right, the second payment was an error on our side. I've refunded it just now.",
                "The refund is confirmed. Depending on your bank it shows up within three working days.",
            ],
            (Self::Payment, true) => [
                "{name}님, 불편을 드려 죄송합니다. 결제 내역을 바로 확인해 보겠습니다.",
                "두 번째 결제는 저희 쪽 오류가 맞습니다. 방금 취소 처리했습니다.",
                "취소가 승인되었습니다. 카드사에 따라 영업일 기준 3일 안에 반영됩니다.",
            ],
            (Self::Repair, false) => [
                "Oh no, I'm sorry about that {name}. Could you tell me the order number and what exactly happens?",
                "Thank you, that helps. It's covered by the warranty; we'll send you a new one.",
                "The replacement left today. Please keep the old one, the courier takes it along.",
            ],
            (Self::Repair, true) => [
                "{name}님, 많이 속상하셨겠어요. 주문번호와 증상을 조금 더 알려주시겠어요?",
                "자세한 설명 감사합니다. 보증 기간이라 새 제품으로 교환해 드릴게요.",
                "교환 제품이 오늘 출고되었습니다. 기존 제품은 기사님께 전달해 주세요.",
            ],
            (Self::Question, false) => [
                "Hi {name}, thanks for asking! Let me check with the warehouse.",
                "We get twenty of them on Thursday. Shall I put one aside for you?",
                "Done, it's reserved under your name until Sunday.",
            ],
            (Self::Question, true) => [
                "{name}님, 문의 감사합니다. 창고에 확인해 볼게요.",
                "목요일에 20개가 들어옵니다. 하나 빼 둘까요?",
                "네, 일요일까지 성함으로 예약해 두었습니다.",
            ],
        }
    }

    /// Words for colleagues only.
    pub const fn note(self, korean: bool) -> &'static str {
        match (self, korean) {
            (Self::Delivery, false) => "Courier says: held since Monday, they call back by 4 pm.",
            (Self::Delivery, true) => {
                "택배사 통화함. 월요일부터 보류 상태, 오후 4시까지 회신 예정."
            }
            (Self::Exchange, false) => "Second exchange this year, tags still on. Fine by me.",
            (Self::Exchange, true) => "올해 두 번째 교환입니다. 택 그대로라 진행해도 됩니다.",
            (Self::Payment, false) => "Both payments found; the second has no order behind it.",
            (Self::Payment, true) => "결제 2건 확인. 두 번째 건은 연결된 주문이 없습니다.",
            (Self::Repair, false) => "Third report for this batch. Told purchasing.",
            (Self::Repair, true) => "같은 생산분에서 세 번째 접수입니다. 구매팀에 공유했어요.",
            (Self::Question, false) => "Regular customer, worth keeping one for her.",
            (Self::Question, true) => "단골 고객님입니다. 하나 빼 두면 좋겠어요.",
        }
    }
}

/// When everything is settled and the customer still writes.
pub const fn goodbye(korean: bool) -> &'static str {
    if korean {
        "도움이 되었다니 기쁩니다. 언제든 편하게 문의해 주세요 :)"
    } else {
        "You're welcome! Write to us any time."
    }
}

/// What customers say when they were answered.
pub const fn thanks(korean: bool) -> &'static [&'static str] {
    if korean {
        &[
            "빠른 답변 감사합니다!",
            "네 알겠습니다. 기다릴게요 :)",
            "아, 그렇군요. 감사합니다~",
            "혹시 언제쯤 될지도 알 수 있을까요?",
        ]
    } else {
        &[
            "Thank you, that was quick!",
            "Okay, I'll wait for it then.",
            "Ah, I see. Thanks for looking into it.",
            "Could you tell me roughly when that will be?",
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::Topic;
    use channels::sandbox::scenario::{State, next_event};
    use domain::Time;
    use std::collections::BTreeMap;

    #[test]
    fn the_front_desk_understands_every_opening_and_none_swallows_the_rest() {
        let mut state = State::default();
        let mut found: BTreeMap<&str, usize> = BTreeMap::new();
        for n in 0..3000 {
            let (next, event) = next_event(&state, 5, n, Time::default());
            state = next;
            let is_opening = event["message_id"]
                .as_str()
                .is_some_and(|id| id.ends_with("-0"));
            if let (true, Some(text)) = (is_opening, event["text"].as_str()) {
                *found.entry(Topic::of(text).queue_name()).or_default() += 1;
            }
        }
        let total: usize = found.values().sum();
        for topic in Topic::ALL {
            let share = found.get(topic.queue_name()).copied().unwrap_or(0) * 100 / total;
            assert!(
                (12..=30).contains(&share),
                "{topic:?} is {share} %: {found:?}"
            );
        }
    }
}
