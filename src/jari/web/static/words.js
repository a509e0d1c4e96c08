// Every word on the page, in Korean and English, and how numbers, money and dates are written.

const REMEMBERED = "jari.language";

const ENGLISH = {
  skipToContent: "Skip to content",
  onSale: "On sale",
  onSaleLead: "Pick an occasion and watch its seats live.",
  nothingOnSale: "Nothing is on sale yet.",
  nothingOnSaleHint: "New occasions appear here as soon as they are announced.",
  listFailed: "The list could not be loaded.",
  mapFailed: "The seat map could not be loaded.",
  notFound: "There is no such page.",
  toList: "See what is on sale",
  tryAgain: "Try again",
  loading: "Loading…",
  showMore: "Show more",
  match: "Match",
  performance: "Performance",
  open: "On sale",
  closed: "Not on sale",
  opensAt: ({ when }) => `Sale opens ${when}`,
  seatCount: ({ count }) => (count === "1" ? "1 seat" : `${count} seats`),
  perBuyer: ({ count }) => `up to ${count} per buyer`,
  seatMap: "Seat map",
  mapNote: "Arrow keys move the map, plus and minus zoom, 0 shows the whole map. "
    + "Every seat can also be chosen from the list of seats by block, after the map.",
  zoom: "Zoom",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  zoomWhole: "Whole map",
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  offline: "Offline",
  yourSeats: "Your seats",
  panelToggle: "Show or hide the details",
  selected: "Selected",
  nothingSelected: ({ count }) => `Choose up to ${count} seats on the map or in the list.`,
  summaryNone: "No seat selected",
  removeSeat: ({ seat }) => `Remove ${seat} from the selection`,
  total: "Total",
  hold: "Hold",
  holdSeats: ({ count }) => (count === 1 ? "Hold 1 seat" : `Hold ${count} seats`),
  holding: "Holding…",
  heldForYou: "Held for you",
  heldSummary: ({ count }) => (count === 1 ? "1 seat held" : `${count} seats held`),
  boughtByYou: "Bought by you",
  left: ({ time }) => `${time} left`,
  release: "Release",
  releaseSeat: ({ seat }) => `Release ${seat}`,
  releaseAll: "Release all",
  grades: "Grades and prices",
  available: "Available",
  held: "Held",
  sold: "Sold",
  mine: "Yours",
  selectedState: "Selected",
  ofSeats: ({ free, all }) => `${free} of ${all} available`,
  seatList: "Seats by block",
  seatListHint: "For keyboard and screen reader: choose a block, then move between its seats with the arrow keys.",
  block: "Block",
  chooseBlock: "Choose a block",
  row: ({ row }) => `Row ${row}`,
  seat: ({ block, row, seat }) => `Block ${block}, row ${row}, seat ${seat}`,
  accessible: "Wheelchair place",
  companion: "Companion seat",
  restrictedView: "Restricted view",
  aisle: "Aisle seat",
  logIn: "Log in",
  logOut: "Log out",
  signUp: "Sign up",
  toSignUp: "No account yet? Sign up",
  toLogIn: "Already have an account? Log in",
  logInToHold: "Log in to hold the selected seats.",
  name: "Name",
  email: "E-mail",
  password: "Password",
  close: "Close",
  welcome: ({ name }) => `Welcome, ${name}.`,
  loggedOut: "You are logged out.",
  wrongCredentials: "The e-mail address or the password is wrong.",
  emailTaken: "There is already an account with this e-mail address. Log in instead.",
  fillIn: "Fill in every field, with a valid e-mail address.",
  heldNow: ({ seats, time }) => `Held for you for ${time}: ${seats}.`,
  released: ({ seats }) => `Released: ${seats}.`,
  takenByOthers: ({ seats }) => `Somebody else was faster: ${seats}. Please choose again.`,
  justTaken: ({ seats }) => `Just taken by somebody else and no longer selected: ${seats}.`,
  notAvailable: ({ seat, status }) => `${seat}: ${status}.`,
  tooMany: ({ count }) => `One buyer can have up to ${count} seats.`,
  saleNotOpen: "The sale is not open.",
  notYourSeats: "You no longer hold these seats.",
  lastMinute: "Less than a minute is left of your hold.",
  holdEnded: ({ seats }) => `The time is up, and the seats are free again: ${seats}.`,
  checkOut: "Check out",
  reserving: "Reserving…",
  beingChecked: "Payment being checked",
  myReservations: "My reservations",
  allReservations: "All my reservations",
  noReservations: "You have no reservations yet.",
  continuePaying: "Go on to pay",
  notYours: "There is no such reservation of yours.",
  pageFailed: "The page could not be loaded.",
  logInToPay: "Log in to see and to pay your reservation.",
  logInToSee: "Log in to see your reservations.",
  logInToConfirm: "Log in again, so that your payment can be confirmed.",
  checkOutTitle: "Checkout",
  timeToPay: "Time left to pay",
  pay: ({ amount }) => `Pay ${amount}`,
  paying: "Opening the payment page…",
  payHint: "You pay on the payment provider’s own page and come back here afterwards.",
  backToMap: "To the seat map",
  cancelReservation: "Cancel reservation",
  cancelling: "Cancelling…",
  noGateway: "Paying is not set up on this site, so nothing can be bought here yet.",
  gatewayUnreachable: "The payment provider cannot be reached. Nothing was charged; please try again.",
  lastRefusal: ({ reason }) => `The last try to pay was refused and nothing was charged. ${reason}`,
  toReservation: "To my reservation",
  pendingState: "To be paid",
  payingState: "Payment being checked",
  confirmedState: "Confirmed",
  cancelledState: "Cancelled",
  refundedState: "Refunded",
  expiredState: "Time ran out",
  pendingNotice: "This reservation is not paid yet.",
  payingNotice: "Your payment is being checked. Please do not pay again.",
  confirmedNotice: "This reservation is paid. Your tickets are ready.",
  cancelledNotice: "This reservation was cancelled.",
  refundedNotice: "All seats of this reservation were refunded.",
  expiredNotice: "The time to pay is over, and the seats are free again. Please choose again on the map.",
  moneyComesBack: "The seats were gone when your payment came, so all of your money goes back to you.",
  confirming: "Confirming your payment",
  confirmingHint: "This takes a few seconds. Please do not close this page.",
  checking: "Checking your payment…",
  checkingHint: "We are waiting for the payment provider. Please do not pay again; this page goes on by itself.",
  unreachable: "Waiting for an answer",
  unreachableHint: "We do not know yet what became of your payment. Please do not pay again; this page keeps asking, "
    + "and My reservations will show it, too.",
  notPaid: "Not paid",
  noMoneyTaken: "This try took no money from you.",
  gatewaySays: ({ message }) => `The payment provider says: “${message}”`,
  backToCheckout: "Try to pay again",
  heldUntil: ({ time }) => `Your seats are held for you until ${time}.`,
  paid: "Your tickets are ready. Have a good time!",
  tickets: "Tickets",
  ticketCode: ({ seat }) => `QR code of the ticket: ${seat}`,
  usedAt: ({ when }) => `Used ${when}`,
  pdf: "Tickets as PDF",
  seatsAndPrices: "Seats and prices",
  refundedSeat: "refunded",
  refunds: "Refunds",
  refundDue: "Being refunded",
  refundDone: "Refunded",
  refund: "Refund…",
  refundTooLate: "The time for refunds is over.",
  refundTitle: "Refund",
  refundHint: ({ until }) => `Choose the seats to give back. Refunds are possible until ${until}.`,
  allSeats: "All seats",
  comesBack: "You get back",
  refundWarning: "The tickets of these seats become void at once, and the seats go back on sale.",
  chooseSeats: "Choose seats",
  refundNow: ({ amount }) => `Refund ${amount}`,
  refundAsked: "The refund is under way.",
  orderNumber: "Order number",
  reservedAt: "Reserved",
  paidWith: "Paid with",
  refundableUntil: "Refundable until",
  nothingHeld: "You hold no seats that could be paid for. Choose seats first.",
  seatsGone: "The time was over, and other buyers have taken the seats.",
  keptTooLong: "You have kept these seats as long as one may without buying them, so others go first. Choose other seats, or come back for these in {minutes} minutes.",
  reservationClosed: "This reservation is already paid, cancelled or over.",
  reservationExpired: "The time to pay is over, and the seats are gone.",
  paymentInProgress: "A payment is being checked. Please wait a moment.",
  paymentRefused: "The payment was refused.",
  paymentReturned: "Your seats were gone when the payment came. All the money is being given back.",
  amountMismatch: "The amount does not match the reservation.",
  notRefundable: "These seats cannot be refunded: too late, already used, or refunded before.",
  unavailable: "This does not work just now. Please try again in a moment.",
  payCancelled: "You cancelled the payment.",
  payAborted: "The payment was broken off.",
  cardRefused: "The card was refused. Please try another one.",
  cardInvalid: "This card cannot be used. Please check it or try another one.",
  cardLimit: "The card’s limit is exceeded. Please try another one.",
  payTooLate: "Too much time passed before the payment was confirmed. Please pay again.",
  sessionEnded: "Your session has ended. Please log in again.",
  tooManyTries: ({ seconds }) => `Too many tries. Please wait ${seconds} seconds.`,
  noAnswer: "No answer from the server. Check the connection and try again.",
  failed: ({ detail }) => `That did not work: ${detail}`,
};

const KOREAN = {
  skipToContent: "본문으로 건너뛰기",
  onSale: "예매 중인 경기·공연",
  onSaleLead: "회차를 고르면 좌석이 팔리는 모습을 실시간으로 볼 수 있습니다.",
  nothingOnSale: "아직 예매할 수 있는 회차가 없습니다.",
  nothingOnSaleHint: "새 회차가 열리면 바로 여기에 나타납니다.",
  listFailed: "목록을 불러오지 못했습니다.",
  mapFailed: "좌석도를 불러오지 못했습니다.",
  notFound: "없는 페이지입니다.",
  toList: "예매 목록 보기",
  tryAgain: "다시 시도",
  loading: "불러오는 중…",
  showMore: "더 보기",
  match: "경기",
  performance: "공연",
  open: "예매 중",
  closed: "예매 중 아님",
  opensAt: ({ when }) => `${when} 예매 시작`,
  seatCount: ({ count }) => `${count}석`,
  perBuyer: ({ count }) => `1인 최대 ${count}석`,
  seatMap: "좌석도",
  mapNote: "화살표 키로 지도를 옮기고, + 와 - 로 확대·축소하며, 0 을 누르면 전체가 보입니다. "
    + "모든 좌석은 지도 다음의 블록별 좌석 목록에서도 고를 수 있습니다.",
  zoom: "확대·축소",
  zoomIn: "확대",
  zoomOut: "축소",
  zoomWhole: "전체 보기",
  connecting: "연결 중",
  live: "실시간",
  reconnecting: "다시 연결 중",
  offline: "오프라인",
  yourSeats: "내 좌석",
  panelToggle: "자세히 보기 또는 접기",
  selected: "선택한 좌석",
  nothingSelected: ({ count }) => `지도나 목록에서 최대 ${count}석까지 고르세요.`,
  summaryNone: "선택한 좌석 없음",
  removeSeat: ({ seat }) => `${seat} 선택에서 빼기`,
  total: "합계",
  hold: "선점하기",
  holdSeats: ({ count }) => `${count}석 선점하기`,
  holding: "선점하는 중…",
  heldForYou: "내가 선점한 좌석",
  heldSummary: ({ count }) => `${count}석 선점함`,
  boughtByYou: "내가 산 좌석",
  left: ({ time }) => `${time} 남음`,
  release: "놓기",
  releaseSeat: ({ seat }) => `${seat} 놓기`,
  releaseAll: "모두 놓기",
  grades: "등급과 가격",
  available: "예매 가능",
  held: "선점됨",
  sold: "판매됨",
  mine: "내 좌석",
  selectedState: "선택함",
  ofSeats: ({ free, all }) => `${all}석 중 ${free}석 가능`,
  seatList: "블록별 좌석",
  seatListHint: "키보드와 화면 낭독기용: 블록을 고른 뒤 화살표 키로 좌석 사이를 옮겨 다니세요.",
  block: "블록",
  chooseBlock: "블록 고르기",
  row: ({ row }) => `${row}열`,
  seat: ({ block, row, seat }) => `${block}블록 ${row}열 ${seat}번`,
  accessible: "휠체어석",
  companion: "동반자석",
  restrictedView: "시야 제한석",
  aisle: "통로석",
  logIn: "로그인",
  logOut: "로그아웃",
  signUp: "회원 가입",
  toSignUp: "계정이 없나요? 회원 가입",
  toLogIn: "이미 계정이 있나요? 로그인",
  logInToHold: "선택한 좌석을 선점하려면 로그인하세요.",
  name: "이름",
  email: "이메일",
  password: "비밀번호",
  close: "닫기",
  welcome: ({ name }) => `${name} 님, 어서 오세요.`,
  loggedOut: "로그아웃했습니다.",
  wrongCredentials: "이메일 또는 비밀번호가 맞지 않습니다.",
  emailTaken: "이미 가입한 이메일입니다. 로그인하세요.",
  fillIn: "모든 칸을 채우고 이메일 형식을 확인하세요.",
  heldNow: ({ seats, time }) => `${time} 동안 선점했습니다: ${seats}.`,
  released: ({ seats }) => `놓았습니다: ${seats}.`,
  takenByOthers: ({ seats }) => `다른 사람이 먼저 잡은 좌석입니다: ${seats}. 다시 골라 주세요.`,
  justTaken: ({ seats }) => `방금 다른 사람이 잡아 선택에서 빠졌습니다: ${seats}.`,
  notAvailable: ({ seat, status }) => `${seat}: ${status}.`,
  tooMany: ({ count }) => `한 사람이 최대 ${count}석까지 가질 수 있습니다.`,
  saleNotOpen: "지금은 예매 시간이 아닙니다.",
  notYourSeats: "더는 선점하고 있지 않은 좌석입니다.",
  lastMinute: "선점 시간이 1분도 남지 않았습니다.",
  holdEnded: ({ seats }) => `시간이 다 되어 좌석이 풀렸습니다: ${seats}.`,
  checkOut: "예약하고 결제하기",
  reserving: "예약하는 중…",
  beingChecked: "결제 확인 중",
  myReservations: "내 예매",
  allReservations: "내 예매 전체",
  noReservations: "아직 예매한 내역이 없습니다.",
  continuePaying: "이어서 결제하기",
  notYours: "내 예매에 없는 예약입니다.",
  pageFailed: "페이지를 불러오지 못했습니다.",
  logInToPay: "예약을 보고 결제하려면 로그인하세요.",
  logInToSee: "예매 내역을 보려면 로그인하세요.",
  logInToConfirm: "결제를 확정하려면 다시 로그인하세요.",
  checkOutTitle: "결제",
  timeToPay: "결제까지 남은 시간",
  pay: ({ amount }) => `${amount} 결제하기`,
  paying: "결제창을 여는 중…",
  payHint: "결제사의 결제창에서 결제한 뒤 이곳으로 돌아옵니다.",
  backToMap: "좌석도로 가기",
  cancelReservation: "예약 취소",
  cancelling: "취소하는 중…",
  noGateway: "이 사이트에는 아직 결제가 준비되어 있지 않아 구매할 수 없습니다.",
  gatewayUnreachable: "결제사에 연결할 수 없습니다. 결제되지 않았으니 다시 시도하세요.",
  lastRefusal: ({ reason }) => `지난 결제는 거절되었고 빠져나간 돈은 없습니다. ${reason}`,
  toReservation: "내 예매 보기",
  pendingState: "결제 대기",
  payingState: "결제 확인 중",
  confirmedState: "예매 완료",
  cancelledState: "취소됨",
  refundedState: "환불됨",
  expiredState: "시간 초과",
  pendingNotice: "아직 결제하지 않은 예약입니다.",
  payingNotice: "결제를 확인하고 있습니다. 다시 결제하지 마세요.",
  confirmedNotice: "결제가 끝난 예약입니다. 입장권이 준비되어 있습니다.",
  cancelledNotice: "취소된 예약입니다.",
  refundedNotice: "이 예약의 모든 좌석을 환불했습니다.",
  expiredNotice: "결제 시간이 다 되어 좌석이 풀렸습니다. 좌석도에서 다시 골라 주세요.",
  moneyComesBack: "결제가 도착했을 때 좌석이 이미 풀려 있어, 결제하신 금액을 모두 돌려 드립니다.",
  confirming: "결제를 승인하고 있습니다",
  confirmingHint: "몇 초 걸립니다. 이 창을 닫지 마세요.",
  checking: "결제를 확인하고 있습니다…",
  checkingHint: "결제사의 답을 기다리고 있습니다. 다시 결제하지 마세요. 확인되면 자동으로 넘어갑니다.",
  unreachable: "서버의 답을 기다리고 있습니다",
  unreachableHint: "결제 결과를 아직 알 수 없습니다. 다시 결제하지 마세요. "
    + "이 창이 계속 확인하며, 내 예매에서도 볼 수 있습니다.",
  notPaid: "결제되지 않았습니다",
  noMoneyTaken: "이번 결제로 빠져나간 돈은 없습니다.",
  gatewaySays: ({ message }) => `결제사의 설명: “${message}”`,
  backToCheckout: "다시 결제하기",
  heldUntil: ({ time }) => `좌석은 ${time}까지 선점되어 있습니다.`,
  paid: "예매가 완료되었습니다. 즐거운 시간 보내세요!",
  tickets: "입장권",
  ticketCode: ({ seat }) => `입장권 QR 코드: ${seat}`,
  usedAt: ({ when }) => `${when} 입장`,
  pdf: "입장권 PDF 받기",
  seatsAndPrices: "좌석과 가격",
  refundedSeat: "환불한 좌석",
  refunds: "환불 내역",
  refundDue: "환불 처리 중",
  refundDone: "환불 완료",
  refund: "환불하기…",
  refundTooLate: "환불할 수 있는 기간이 지났습니다.",
  refundTitle: "환불",
  refundHint: ({ until }) => `환불할 좌석을 고르세요. ${until}까지 환불할 수 있습니다.`,
  allSeats: "모든 좌석",
  comesBack: "돌려받을 금액",
  refundWarning: "환불한 좌석의 입장권은 바로 쓸 수 없게 되고, 좌석은 다시 판매됩니다.",
  chooseSeats: "좌석을 고르세요",
  refundNow: ({ amount }) => `${amount} 환불받기`,
  refundAsked: "환불을 처리하고 있습니다.",
  orderNumber: "주문 번호",
  reservedAt: "예약한 때",
  paidWith: "결제 수단",
  refundableUntil: "환불 기한",
  nothingHeld: "결제할 선점 좌석이 없습니다. 먼저 좌석을 고르세요.",
  seatsGone: "시간이 지나 다른 분이 좌석을 잡았습니다.",
  keptTooLong: "구매하지 않고 잡아 둘 수 있는 시간을 모두 사용해 다른 분께 순서가 넘어갑니다. 다른 좌석을 고르거나 {minutes}분 뒤에 다시 시도해 주세요.",
  reservationClosed: "이미 결제했거나 취소했거나 끝난 예약입니다.",
  reservationExpired: "결제 시간이 다 되어 좌석이 풀렸습니다.",
  paymentInProgress: "결제를 확인하고 있습니다. 잠시 기다려 주세요.",
  paymentRefused: "결제가 거절되었습니다.",
  paymentReturned: "결제가 들어왔을 때 좌석이 이미 없었습니다. 결제한 금액은 모두 환불됩니다.",
  amountMismatch: "결제 금액이 예약과 다릅니다.",
  notRefundable: "환불할 수 없는 좌석입니다. 기한이 지났거나, 이미 입장했거나 환불한 좌석입니다.",
  unavailable: "지금은 처리할 수 없습니다. 잠시 뒤에 다시 하세요.",
  payCancelled: "결제를 취소했습니다.",
  payAborted: "결제가 중단되었습니다.",
  cardRefused: "카드사에서 거절했습니다. 다른 카드로 결제해 보세요.",
  cardInvalid: "사용할 수 없는 카드입니다. 카드를 확인하거나 다른 카드로 결제해 보세요.",
  cardLimit: "카드 한도를 넘었습니다. 다른 카드로 결제해 보세요.",
  payTooLate: "승인까지 시간이 너무 오래 걸렸습니다. 다시 결제해 주세요.",
  sessionEnded: "로그인이 끝났습니다. 다시 로그인하세요.",
  tooManyTries: ({ seconds }) => `시도가 너무 많습니다. ${seconds}초 뒤에 다시 하세요.`,
  noAnswer: "서버가 답하지 않습니다. 연결을 확인하고 다시 시도하세요.",
  failed: ({ detail }) => `처리하지 못했습니다: ${detail}`,
};

const DICTIONARIES = { ko: KOREAN, en: ENGLISH };

let current = startLanguage();
const listeners = new Set();

function startLanguage() {
  let remembered = null;
  try {
    remembered = localStorage.getItem(REMEMBERED);
  } catch {
    // Storage may be forbidden; then the browser's language decides each time.
  }
  if (remembered in DICTIONARIES) return remembered;
  return navigator.language?.toLowerCase().startsWith("ko") ? "ko" : "en";
}

export const language = () => current;

/** Change the language, remember it, and tell everybody who shows words. */
export function setLanguage(next) {
  current = next;
  try {
    localStorage.setItem(REMEMBERED, next);
  } catch {
    // Then it holds until the page is left.
  }
  listeners.forEach((listener) => listener());
}

/** Call back after a change of language, until the signal aborts. */
export function onLanguageChange(listener, signal) {
  listeners.add(listener);
  signal?.addEventListener("abort", () => listeners.delete(listener));
}

/** The words for a key, in the present language. */
export function say(key, values = {}) {
  const words = DICTIONARIES[current][key];
  if (words === undefined) throw new Error(`no words for "${key}"`);
  return typeof words === "function" ? words(values) : words;
}

/** Fill in `data-word` (text) and `data-word-label` (accessible name) of a part of the page. */
export function translate(root) {
  for (const part of root.querySelectorAll("[data-word]")) part.textContent = say(part.dataset.word);
  for (const part of root.querySelectorAll("[data-word-label]")) {
    part.setAttribute("aria-label", say(part.dataset.wordLabel));
  }
}

export const writeCount = (count) => count.toLocaleString(current);

/** An amount in the currency's minor unit, e.g. won, or cents. */
export function writeMoney(amount, currency) {
  const format = new Intl.NumberFormat(current, { style: "currency", currency });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
}

/** A moment in the buyer's own time zone. */
export function writeMoment(moment) {
  return new Intl.DateTimeFormat(current, {
    year: "numeric", month: "long", day: "numeric", weekday: "short", hour: "numeric", minute: "2-digit",
    timeZoneName: "short",
  }).format(new Date(moment));
}

/** The time of day of a moment. */
export function writeTime(moment) {
  return new Intl.DateTimeFormat(current, { hour: "numeric", minute: "2-digit" }).format(new Date(moment));
}

/** Minutes and seconds, "4:05". */
export function writeSeconds(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** Several things in a row. Not with commas, which stand within the names of seats. */
export const writeList = (things) => things.join(" · ");
