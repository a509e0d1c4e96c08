// The bodies and answers of the API. Written by scripts/page_types.py: run it after a change of their types.

/** The process answers. */
export interface Alive {
  alive: boolean;
}

/** A block. */
export interface BlockAnswer {
  id: number;
  name: string;
  section: string;
  grade: string;
  seatCount: number;
}

/** A block where its section is known. */
export interface BlockOfSection {
  id: number;
  name: string;
  seatCount: number;
}

/** The layout of a block. */
export interface BlockSeats {
  blockId: number;
  block: string;
  section: string;
  seats: SeatAnswer[];
}

/** The status of each seat of a block. */
export interface BlockStatus {
  version: number;
  seats: StatusById[];
}

/** All blocks. */
export interface Blocks {
  blocks: BlockAnswer[];
}

/** Another password; whoever asks must know the present one. */
export interface ChangePassword {
  password: string;
  newPassword: string;
}

/** The code on a ticket, and the schedule that the door lets in to. */
export interface CheckInTicket {
  token: string;
  scheduleId: number;
}

/** Where the holder of a ticket sits. */
export interface CheckedIn {
  reservationId: number;
  scheduleId: number;
  seatId: number;
  section: string;
  block: string;
  rowLabel: string;
  seatLabel: string;
  checkedInAt: string;
}

/** What the checkout page needs to know of the gateway. */
export interface Checkout {
  gateway: string;
  clientKey: string;
  scriptUrl: string;
}

/** What the gateway sent the buyer back with. */
export interface ConfirmPayment {
  paymentKey: string;
  orderId: string;
  amount: number;
}

/** An empty object: there is no more to say than that it is done. */
export interface Done {}

/** How many sessions were ended. */
export interface EndedSessions {
  endedSessions: number;
}

/** A price grade; `price` in the currency's minor unit (KRW has none, so won). */
export interface Grade {
  code: string;
  name: string;
  color: string;
  price: number;
}

/** A hold: these seats are the buyer's until it ends. */
export interface HeldSeats {
  holdId: string;
  seatIds: number[];
  expiresAt: string;
}

/** The seats to hold, by id. */
export interface HoldSeats {
  seatIds: number[];
}

/** A match is a schedule of kind `match`; both share ids. */
export type Kind = "match" | "performance";

/** The whole layout in columns, a fifth of the size that it has seat by seat; and the ids of special seats. */
export interface LayoutAnswer {
  seats: SeatColumns;
  accessible: number[];
  companion: number[];
  restrictedView: number[];
  aisle: number[];
}

/** Who claims to be whom. */
export interface LogIn {
  email: string;
  password: string;
}

/** The schedule whose held seats are to be reserved. */
export interface MakeReservation {
  scheduleId: number;
}

/** A user as they are shown to themselves. */
export interface Me {
  id: number;
  email: string;
  name: string;
  role: string;
}

/** A hold of mine; while it is being paid for it has no end. */
export interface MyHold {
  holdId: string;
  seatIds: number[];
  expiresAt: string | null;
}

/** What I hold and have bought in a schedule, and what time it is there. */
export interface MySeats {
  serverTime: string;
  holds: MyHold[];
  occupied: number[];
}

/** An empty object: the address says it all. */
export interface Nothing {}

/** The last try to pay; where it failed, with the gateway's words. */
export interface PaymentOfReservation {
  id: number;
  status: PaymentStatus;
  amount: number;
  method: string;
  code: string | null;
  message: string | null;
}

/** How far a try to pay has come. */
export type PaymentStatus = "CANCELED" | "CONFIRMING" | "DONE" | "FAILED" | "REFUND_DUE";

/** A seat by its numbers. */
export interface Place {
  row: number;
  col: number;
}

/** A refusal (RFC 9457). `code` is stable; `seatIds` names the seats that it is about. `gatewayCode` is the
 * payment gateway's own word for why it refused. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  seatIds?: number[];
  gatewayCode?: string;
  reservationId?: number;
}

/** The database does, too. While Redis is away everything goes on, but with the delay of polling. */
export interface Ready {
  ready: boolean;
  redis: "away" | "there" | null;
}

/** Money that goes back. */
export interface RefundOfReservation {
  id: number;
  amount: number;
  status: RefundStatus;
  seatIds: number[];
  requestedAt: string;
}

/** The seats to give back, by id; none named means all. */
export interface RefundPayment {
  seatIds?: number[];
  reason?: string;
}

/** Whether the gateway has given the money back. */
export type RefundStatus = "DONE" | "DUE";

/** Seats that are free again. */
export interface ReleasedSeats {
  seatIds: number[];
}

/** A reservation with what it is for. */
export interface ReservationAnswer {
  id: number;
  status: ReservationStatus;
  orderId: string;
  orderName: string;
  amount: number;
  currency: string;
  scheduleId: number;
  title: string;
  venueName: string;
  startsAt: string;
  createdAt: string;
  expiresAt: string | null;
  serverTime: string;
  seats: SeatOfReservation[];
  payment: PaymentOfReservation | null;
  refunds: RefundOfReservation[];
  refundableUntil: string | null;
}

/** What has become of a reservation. */
export type ReservationStatus = "CANCELLED" | "CONFIRMED" | "EXPIRED" | "PENDING";

/** A part of a list of reservations, and where the next one begins. */
export interface ReservationsPart {
  items: ReservationAnswer[];
  next: number | null;
}

/** What a buyer is told about the sale. */
export type SaleStatus = "CLOSED" | "OPEN" | "UPCOMING";

/** A schedule, and by which rules it is sold. */
export interface ScheduleAnswer {
  id: number;
  kind: Kind;
  title: string;
  venueId: number;
  venueName: string;
  startsAt: string;
  opensAt: string;
  status: SaleStatus;
  seatCount: number;
  maxSeats: number;
  holdSeconds: number;
}

/** A schedule with its venue. */
export interface ScheduleWithVenue {
  id: number;
  kind: Kind;
  title: string;
  venueId: number;
  venueName: string;
  startsAt: string;
  opensAt: string;
  status: SaleStatus;
  seatCount: number;
  maxSeats: number;
  holdSeconds: number;
  venue: VenueAnswer;
}

/** A page of the list, by start. */
export interface SchedulesPage {
  items: ScheduleAnswer[];
  page: number;
  pages: number;
  total: number;
}

/** A seat: where it is, what it is called and what it is like. */
export interface SeatAnswer {
  id: number;
  row: number;
  col: number;
  rowLabel: string;
  seatLabel: string;
  x: number;
  y: number;
  grade: string;
  accessible: boolean;
  companion: boolean;
  restrictedView: boolean;
  aisle: boolean;
}

/** All seats of a venue, a list for each of their fields; what stands at one place belongs to one seat. */
export interface SeatColumns {
  id: number[];
  blockId: number[];
  row: number[];
  col: number[];
  rowLabel: string[];
  seatLabel: string[];
  x: number[];
  y: number[];
  grade: string[];
}

/** A reserved seat as it was sold. */
export interface SeatOfReservation {
  id: number;
  row: number;
  col: number;
  section: string;
  block: string;
  rowLabel: string;
  seatLabel: string;
  grade: string;
  price: number;
  refunded: boolean;
  checkedInAt: string | null;
}

/** A section with its blocks. */
export interface SectionAnswer {
  name: string;
  grade: string;
  blocks: BlockOfSection[];
}

/** All sections. */
export interface Sections {
  sections: SectionAnswer[];
}

/** What is drawn beneath the seats: the field, the stage. `kind` is polygon, circle or text. */
export interface Shape {
  kind: string;
  points: [number, number][];
  color?: string;
  radius?: number;
  text?: string;
}

/** A new account. */
export interface SignUp {
  email: string;
  password: string;
  name: string;
}

/** The seats to hold and reserve, by row and column. */
export interface StartBooking {
  scheduleId: number;
  seats: Place[];
}

/** A seat's status. */
export interface StatusById {
  id: number;
  status: "AVAILABLE" | "HOLD" | "OCCUPIED";
}

/** The status of a seat named by its numbers. */
export interface StatusByPlace {
  row: number;
  col: number;
  status: "AVAILABLE" | "HOLD" | "OCCUPIED";
}

/** Every seat that is not AVAILABLE. */
export interface TakenSeats {
  version: number;
  seats: StatusByPlace[];
}

/** A seat's ticket as a signed code; it opens the door once. */
export interface TicketCode {
  seatId: number;
  token: string;
  usable: boolean;
  checkedInAt: string | null;
}

/** The tickets of a reservation. */
export interface TicketCodes {
  items: TicketCode[];
}

/** The public keys that tickets are signed for, as JSON Web Keys. */
export interface TicketKeys {
  keys: Record<string, string>[];
}

/** What a map needs to know of a venue besides its seats. */
export interface VenueAnswer {
  id: number;
  name: string;
  currency: string;
  width: number;
  height: number;
  grades: Grade[];
  shapes: Shape[];
}
