//! Names, lines and channel icons of the made-up world.
export const PEOPLE = [
  ["김서연", "ko"],
  ["Sofia Alvarez", "en"],
  ["Mia Johansson", "en"],
  ["이준호", "ko"],
  ["Noah Fischer", "en"],
  ["Olivia Park", "en"],
  ["강도윤", "ko"],
  ["Liam Carter", "en"],
  ["Ava Nguyen", "en"],
  ["최유나", "ko"],
  ["정하준", "ko"],
  ["임지호", "ko"],
  ["Emma Rossi", "en"],
  ["박민서", "ko"],
] as const;
export const SUBJECTS = [
  "Wrong size delivered, exchange?",
  "Refund for order not received",
  "Can I change my booking to Saturday?",
  "배송이 3일째 멈춰 있어요",
  "카카오 채널 결제 오류 문의",
  "예약 변경 가능할까요?",
  "Invoice needed for September",
  "상담원 연결 부탁드립니다",
];
export const LINES = [
  "Could you resend the link? It says expired.",
  "사진 보내드려요. 포장 상태가 이랬습니다.",
  "Thanks! That works. One more question about the delivery.",
  "안녕하세요, 주문번호 20931 배송 조회가 안 돼서요.",
  "Hi, I ordered on Monday and tracking has not moved since.",
  "사진도 같이 보내드릴게요 📦",
  "네, 확인했습니다. 감사합니다!",
  "When will it be restocked?",
];
export const QUEUES = [
  ["que_orders", "Orders", 0],
  ["que_billing", "Billing", 1],
  ["que_returns", "Returns", 2],
  ["que_vip", "VIP", 3],
] as const;
export const ICON_A =
  '<svg viewBox="0 0 24 24" xmlns="http://www.w3.org/2000/svg"><circle cx="12" cy="12" r="12" fill="#5b4bd6"/><path d="M7 16V8.500l5 4.500 5-4.500V16" fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/></svg>';
export const ICON_B =
  '<svg viewBox="0 0 24 24" xmlns="http://www.w3.org/2000/svg"><circle cx="12" cy="12" r="12" fill="#0d7a5f"/><path d="M7.500 8h9v6h-5l-2.500 2.500V14h-1.500z" fill="#fff"/></svg>';

export const field = (name: string, label: string, more: object = {}) => ({
  __typename: "SettingField",
  name,
  label,
  help: "",
  kind: "text",
  required: true,
  secret: false,
  options: [],
  ...more,
});
