// Reservations as the API gives them.

/** @import { PaymentStatus, ReservationAnswer } from "../../src/jari/web/site/static/api/types.d.ts" */

/**
 * A pending reservation of two seats; `change` says what is different.
 * @param {Partial<ReservationAnswer>} change
 * @returns {ReservationAnswer}
 */
export function makeReservation(change = {}) {
  const seat = {
    row: 1, section: "1루", block: "101", rowLabel: "1", grade: "레드석", price: 15_000, refunded: false, checkedInAt: null,
  };
  return {
    id: 7,
    status: "PENDING",
    orderId: "order-7",
    orderName: "101블록 외 1석",
    amount: 30_000,
    currency: "KRW",
    scheduleId: 1,
    title: "개막전",
    venueName: "잠실",
    startsAt: "2030-04-01T09:00:00Z",
    createdAt: "2030-03-01T09:00:00Z",
    expiresAt: new Date(Date.now() + 300_000).toISOString(),
    serverTime: new Date().toISOString(),
    seats: [{ ...seat, id: 101, col: 1, seatLabel: "1" }, { ...seat, id: 102, col: 2, seatLabel: "2" }],
    payment: null,
    refunds: [],
    refundableUntil: null,
    ...change,
  };
}

/**
 * A try to pay it.
 * @param {PaymentStatus} status
 */
export const makePayment = (status) => ({ id: 9, status, amount: 30_000, method: "카드", code: null, message: null });
