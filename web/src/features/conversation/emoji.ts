//! The faces and signs people use in support, by their usual names in both languages. Kept small on purpose.
import type { Suggestion } from "./suggest";

const TABLE = `😀 grinning happy 웃음|😄 smile 미소|😁 grin 활짝|😅 sweat_smile 땀|😂 joy 폭소|🙂 slight_smile 미소|😉 wink 윙크
😊 blush 수줍|😍 heart_eyes 하트눈|😘 kiss 뽀뽀|🤗 hug 포옹|🤔 thinking 생각|😐 neutral 무표정|😶 no_mouth 침묵|🙄 eye_roll 한숨
😴 sleeping 잠|😌 relieved 안심|😔 pensive 시무룩|😕 confused 당황|🙁 frown 찡그림|😢 cry 눈물|😭 sob 엉엉|😮 surprised 놀람
😱 scream 비명|😡 angry 화남|🥲 smiling_tear 감동|🥳 party 축하|🤒 sick 아픔|😷 mask 마스크|🤝 handshake 악수|🙏 pray thanks 감사 부탁
👍 thumbs_up yes 좋아요|👎 thumbs_down no 싫어요|👌 ok_hand 오케이|👏 clap 박수|🙌 raised_hands 만세|👋 wave hello 안녕|✌️ victory 브이
🤞 fingers_crossed 행운|💪 strong 힘|👀 eyes look 눈|✅ check done 완료|❌ cross no 아니요|⚠️ warning 주의|❗ exclamation 느낌표|❓ question 물음표
❤️ heart love 하트|💙 blue_heart 파란하트|💔 broken_heart 상심|✨ sparkles 반짝|⭐ star 별|🎉 tada celebrate 축하|🎁 gift 선물|🎂 cake birthday 생일
🔥 fire hot 불|💡 idea bulb 아이디어|📌 pin 고정|📎 clip 클립|📷 camera photo 사진|📦 package parcel 택배 상자|🚚 truck delivery 배송|✈️ plane 비행기
🏠 house home 집|🏪 store shop 가게|🛒 cart 장바구니|🛍️ bags shopping 쇼핑|👕 shirt clothes 옷|👟 shoe 신발|💳 card payment 카드 결제|💰 money 돈
🧾 receipt 영수증|💵 cash dollar 현금|🔁 repeat exchange 교환|↩️ return 반품|🔍 search 검색|🔒 lock 잠금|🔑 key 열쇠|🛠️ tools repair 수리
📞 phone call 전화|📱 mobile 휴대폰|✉️ mail email 메일|💬 chat speech 대화|📝 note memo 메모|📅 calendar date 달력|⏰ alarm clock 알람|⏳ hourglass wait 대기
🕐 clock time 시간|☀️ sun 해|🌧️ rain 비|❄️ snow 눈|🌈 rainbow 무지개|🍀 clover luck 행운|🌸 flower blossom 꽃|☕ coffee 커피|🍚 rice 밥
🇰🇷 korea 한국|🇺🇸 usa 미국|🇯🇵 japan 일본|🇨🇳 china 중국|🌏 world earth 지구|🚀 rocket 로켓|💯 hundred 백점|🆗 ok 오케이|🆕 new 새로운`;

export const EMOJI: readonly Suggestion[] = TABLE.split(/[|\n]/).map((row) => {
  const [sign = "", name = "", ...more] = row.split(" ");
  return {
    id: name,
    label: `${sign} ${name.replaceAll("_", " ")}`,
    hint: `${name} ${more.join(" ")}`,
    insert: sign,
  };
});
