//! The words of the scenario: names, things people buy, and what they write about them.

pub struct Script {
    pub openings: &'static [&'static str],
    pub details: &'static [&'static str],
    pub follow_ups: &'static [&'static str],
    pub thanks: &'static [&'static str],
}

pub struct Topic {
    pub en: Script,
    pub ko: Script,
}

pub static GIVEN_EN: &[&str] = &[
    "Maya", "Owen", "Priya", "Lucas", "Ingrid", "Tomas", "Zoe", "Amara", "Felix", "Nadia",
    "Callum", "Leila", "Hugo", "Sofia", "Kwame", "Elena",
];
pub static SURNAMES_EN: &[&str] = &[
    "Hartley",
    "Okafor",
    "Lindqvist",
    "Moreau",
    "Patel",
    "Novak",
    "Brennan",
    "Costa",
    "Abebe",
    "Fischer",
    "Whitlock",
    "Romero",
];
pub static FAMILY_KO: &[&str] = &[
    "김", "이", "박", "최", "정", "강", "조", "윤", "장", "임", "한", "오",
];
pub static GIVEN_KO: &[(&str, &str)] = &[
    ("서연", "seoyeon"),
    ("민준", "minjun"),
    ("지우", "jiwoo"),
    ("하준", "hajun"),
    ("수빈", "subin"),
    ("도윤", "doyun"),
    ("예린", "yerin"),
    ("시우", "siwoo"),
    ("은채", "eunchae"),
    ("준호", "junho"),
    ("다은", "daeun"),
    ("태현", "taehyun"),
];
pub static ITEMS: &[(&str, &str)] = &[
    ("linen jacket", "린넨 재킷"),
    ("ceramic teapot", "도자기 주전자"),
    ("desk lamp", "책상 스탠드"),
    ("running shoes", "러닝화"),
    ("wool blanket", "울 담요"),
    ("coffee grinder", "커피 그라인더"),
    ("backpack", "백팩"),
    ("bluetooth speaker", "블루투스 스피커"),
];

pub static TOPICS: &[Topic] = &[
    Topic {
        en: Script {
            openings: &[
                "Hi, my {item} was supposed to arrive on Tuesday and there's still no sign of it.",
                "Hello! Tracking for order {order} hasn't moved in four days. Is it lost?",
            ],
            details: &[
                "The order number is {order}, it says \"at the sorting centre\".",
                "It was meant to be a birthday present for Saturday, so I'm getting a bit nervous.",
            ],
            follow_ups: &[
                "Could you ask the courier? Their phone line just hangs up on me.",
                "If it can't make it by Friday, I'd rather cancel.",
            ],
            thanks: &[
                "Perfect, thank you for sorting it so fast!",
                "Great, thanks. Have a nice day.",
            ],
        },
        ko: Script {
            openings: &[
                "안녕하세요, {item} 화요일에 온다고 했는데 아직도 안 왔어요.",
                "주문번호 {order} 배송조회가 나흘째 그대로예요. 분실된 건가요?",
            ],
            details: &[
                "주문번호는 {order}이고 '집하 완료'에서 멈춰 있어요.",
                "토요일 생일 선물이라 그 전에 꼭 받아야 해요 ㅠㅠ",
            ],
            follow_ups: &[
                "택배사에 확인 좀 부탁드려도 될까요? 전화 연결이 안 돼요.",
                "금요일까지 어려우면 취소할게요.",
            ],
            thanks: &[
                "빠르게 처리해 주셔서 감사합니다!",
                "네 알겠습니다. 좋은 하루 보내세요~",
            ],
        },
    },
    Topic {
        en: Script {
            openings: &[
                "The {item} I got is the wrong size. How do I exchange it?",
                "Hey, I'd like to swap my {item} for another colour if that's possible.",
            ],
            details: &[
                "It's order {order}, bought last week.",
                "I haven't used it, tags are still on.",
            ],
            follow_ups: &[
                "Do I have to pay for the return shipping?",
                "Is there a shop in town where I can bring it instead?",
            ],
            thanks: &[
                "Lovely, label printed. Thanks!",
                "That was easy. Thank you so much.",
            ],
        },
        ko: Script {
            openings: &[
                "{item} 사이즈가 안 맞는데 교환 어떻게 하나요?",
                "혹시 {item} 다른 색으로 바꿀 수 있을까요?",
            ],
            details: &[
                "지난주에 산 주문 {order}이에요.",
                "택도 안 뗐고 사용 안 했어요.",
            ],
            follow_ups: &[
                "왕복 배송비는 제가 내야 하나요?",
                "매장에 직접 가져가도 되나요?",
            ],
            thanks: &[
                "송장 출력했어요. 감사합니다 :)",
                "친절하게 알려주셔서 고맙습니다!",
            ],
        },
    },
    Topic {
        en: Script {
            openings: &[
                "I think I was charged twice for order {order}.",
                "There are two payments on my card for one {item}. Can you check?",
            ],
            details: &[
                "Both on the same day, a minute apart.",
                "My bank says both went through, so it isn't just a reservation.",
            ],
            follow_ups: &[
                "How long does the refund take?",
                "Can I get a confirmation by mail?",
            ],
            thanks: &[
                "Refund arrived, thank you!",
                "Okay, I'll wait three days then. Thanks for the help.",
            ],
        },
        ko: Script {
            openings: &[
                "주문 {order} 결제가 두 번 된 것 같아요.",
                "{item} 하나 샀는데 카드에 두 건이 찍혔어요. 확인 부탁드려요.",
            ],
            details: &[
                "같은 날 1분 간격으로 결제됐어요.",
                "은행에 물어보니 둘 다 승인됐다고 합니다.",
            ],
            follow_ups: &[
                "환불은 며칠 걸리나요?",
                "취소 확인서를 메일로 받을 수 있나요?",
            ],
            thanks: &[
                "환불 들어왔어요. 감사합니다!",
                "네, 그럼 3일 기다려 볼게요. 고맙습니다.",
            ],
        },
    },
    Topic {
        en: Script {
            openings: &[
                "My {item} stopped working after two weeks 😕",
                "Good morning. The {item} makes a strange noise, is that covered by the warranty?",
            ],
            details: &[
                "I tried everything in the manual, also another socket.",
                "Order {order}. I can send a video if that helps.",
            ],
            follow_ups: &[
                "Would you repair it or send a new one?",
                "Do I need the original box?",
            ],
            thanks: &[
                "Wonderful service, thanks!",
                "Thank you, the new one works fine.",
            ],
        },
        ko: Script {
            openings: &[
                "{item} 2주 만에 고장 났어요 😢",
                "안녕하세요. {item}에서 이상한 소리가 나는데 보증 되나요?",
            ],
            details: &[
                "설명서대로 다 해봤고 콘센트도 바꿔봤어요.",
                "주문 {order}입니다. 필요하시면 영상 보내드릴게요.",
            ],
            follow_ups: &[
                "수리인가요, 새 제품으로 교환인가요?",
                "박스가 없어도 되나요?",
            ],
            thanks: &[
                "서비스 최고네요. 감사합니다!",
                "새 제품 잘 작동해요. 고맙습니다~",
            ],
        },
    },
    Topic {
        en: Script {
            openings: &[
                "Is the {item} coming back in stock?",
                "Hi! Do you ship the {item} to Norway?",
            ],
            details: &[
                "I've been checking the page for a month now.",
                "I'd take two if the price stays.",
            ],
            follow_ups: &[
                "Could you put one aside for me?",
                "And can it be gift wrapped?",
            ],
            thanks: &["Ordered! Thanks a lot.", "Thanks, I'll come by on Monday."],
        },
        ko: Script {
            openings: &[
                "{item} 재입고 예정 있나요?",
                "안녕하세요! {item} 제주도도 배송되나요?",
            ],
            details: &["한 달째 기다리고 있어요.", "가격 그대로면 두 개 살게요."],
            follow_ups: &["하나만 빼놔 주실 수 있나요?", "선물 포장도 가능한가요?"],
            thanks: &[
                "방금 주문했어요. 감사합니다!",
                "네 월요일에 들를게요. 고맙습니다.",
            ],
        },
    },
];
