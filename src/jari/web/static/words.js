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

/** Minutes and seconds, "4:05". */
export function writeSeconds(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** Several things in a row. Not with commas, which stand within the names of seats. */
export const writeList = (things) => things.join(" · ");
