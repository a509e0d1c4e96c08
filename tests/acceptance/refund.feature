Feature: Giving seats back
  What is not paid yet may be given up at any time. What is paid may be given back for its money, until a day
  before the start; the organiser may refund at any time.

  A seat is written row-seat: 1-5 is seat 5 of row 1. Every seat costs 15,000 won.

  Rule: A reservation that is not paid may be given up

    Scenario: Its seats are free at once
      Given a match
      And Jun follows the match
      And Minji has reserved 1-5 and 1-6
      When Minji cancels the reservation
      Then Minji's reservation is CANCELLED
      And 1-5 and 1-6 are AVAILABLE
      And Minji has nothing
      And Jun hears in this order
        | action   | seats       |
        | OCCUPIED | 1-5 and 1-6 |
        | RELEASED | 1-5 and 1-6 |
      When Jun asks for 1-5 and 1-6
      Then Jun gets 1-5 and 1-6

    Scenario: Giving it up again changes nothing
      Given a match
      And Minji has reserved 1-5
      And Minji cancels the reservation
      And Jun holds 1-5
      When Minji cancels the reservation
      Then Minji's reservation is CANCELLED
      And Jun has 1-5

    Scenario: Other seats of the buyer stay held
      Given a match
      And Minji holds 3-3
      And Minji books 1-5 of the match
      When Minji cancels the reservation
      Then Minji has 3-3
      And 1-5 is AVAILABLE

    Scenario: What is paid is not given up, but refunded
      Given a match
      And Minji has bought 1-5
      When Minji tries to cancel Minji's reservation
      Then Minji is refused: RESERVATION_CLOSED 1-5
      And 1-5 is Minji's own
      And Minji has been given back nothing

  Rule: A buyer gets the money of given back seats

    Scenario: All of them
      Given a match
      And Minji has bought 1-5 and 1-6
      And Jun follows the match
      When Minji asks for a refund
      Then Minji is told that the refund of 30,000 won is DONE
      And Minji has been given back 30,000 won, once
      And Minji's reservation is CANCELLED
      And Minji's payment is CANCELED
      And Minji has no tickets
      And Minji has nothing
      And 1-5 and 1-6 are AVAILABLE
      And Jun hears in this order
        | action   | seats       |
        | RELEASED | 1-5 and 1-6 |

    Scenario: One of them
      Given a match
      And Minji has bought 1-5 and 1-6
      And Jun follows the match
      When Minji asks for a refund of 1-5
      Then Minji is told that the refund of 15,000 won is DONE
      And Minji has been given back 15,000 won, once
      And Minji's reservation is CONFIRMED
      And Minji's payment is DONE
      And Minji's reservation shows 1-5 as refunded, and no other seat
      And Minji has a ticket for 1-6 and for nothing else
      And 1-6 is Minji's own
      And 1-5 is AVAILABLE
      And Jun hears in this order
        | action   | seats |
        | RELEASED | 1-5   |

    Scenario: One after the other
      Given a match
      And Minji has bought 1-5 and 1-6
      When Minji asks for a refund of 1-5
      And Minji asks for a refund of 1-6
      Then Minji's reservation is CANCELLED
      And Minji's payment is CANCELED
      And Minji has been given back 15,000 won each time, 2 times

    Scenario: What is left
      Given a match
      And Minji has bought 1-5, 1-6 and 1-7
      And Minji has been refunded 1-5
      When Minji asks for a refund
      Then Minji is told that the refund of 30,000 won is DONE
      And Minji's reservation is CANCELLED
      And Minji's payment is CANCELED
      And 1-5, 1-6 and 1-7 are AVAILABLE

    Scenario: Each seat gives back what it cost
      Given a match with two grades
      And Minji has bought 1-5 and 6-1
      When Minji asks for a refund of 6-1
      Then Minji has been given back 11,000 won, once

    Scenario: A refunded seat is on sale again
      Given a match
      And Minji has bought 1-5 and 1-6
      And Minji has been refunded 1-5
      When Jun books 1-5 of the match
      And Jun pays
      Then Jun has been charged 15,000 won, once
      And 1-5 is Jun's own
      And 1-6 is Minji's own
      And Jun has a ticket for 1-5 and for nothing else
      And Minji has a ticket for 1-6 and for nothing else

    Scenario: A buyer who gave a seat back may buy it again
      Given a match
      And Minji has bought 1-1, 1-2, 1-3 and 1-4
      And Minji has been refunded 1-4
      When Minji asks for 1-4
      Then Minji gets 1-4

    Scenario: What somebody else has bought meanwhile is theirs
      Given a match
      And Minji has bought 1-5 and 1-6
      And Minji has been refunded 1-5
      And Jun has bought 1-5
      When Minji asks for a refund
      Then Minji has been given back 15,000 won each time, 2 times
      And 1-5 is Jun's own
      And Jun has been given back nothing
      And 1-6 is AVAILABLE

  Rule: Money goes back once

    Scenario: A seat that was refunded before
      Given a match
      And Minji has bought 1-5 and 1-6
      And Minji has been refunded 1-5
      When Minji asks for a refund of 1-5 and 1-6
      Then Minji is refused: NOT_REFUNDABLE 1-5
      And 1-6 is Minji's own
      And Minji has been given back 15,000 won, once

    Scenario: Everything was refunded before
      Given a match
      And Minji has bought 1-5
      When Minji asks for a refund
      And Minji asks for a refund
      Then Minji is refused: NOT_REFUNDABLE
      And Minji has been given back 15,000 won, once

    Scenario: The same request under the same key
      Given a match
      And Minji has bought 1-5 and 1-6
      When Minji asks for a refund of 1-5 under the key "evening"
      And Minji asks for a refund of 1-5 under the key "evening"
      Then Minji is answered as before
      And Minji has been given back 15,000 won, once

    Scenario: Another request under the same key
      Given a match
      And Minji has bought 1-5 and 1-6
      When Minji asks for a refund of 1-5 under the key "evening"
      And Minji asks for a refund of 1-6 under the key "evening"
      Then Minji is refused: IDEMPOTENCY_KEY_REUSED
      And Minji has been given back 15,000 won, once
      And 1-6 is Minji's own

    Scenario: The gateway's answer gets lost
      Given a match
      And Minji has bought 1-5
      And the gateway's next answer to Minji's refund gets lost
      When Minji asks for a refund
      Then Minji is told that the refund of 15,000 won is DONE
      And Minji has been given back 15,000 won, once

    Scenario: The gateway cannot give money back at the moment
      Given a match
      And Minji has bought 1-5
      And the gateway refuses Minji's next refund
      When Minji asks for a refund
      Then Minji is told that the refund of 15,000 won is DUE
      And 1-5 is AVAILABLE
      And Minji has no tickets
      And Minji's refund becomes DONE by itself
      And Minji's payment is CANCELED
      And Minji has been given back 15,000 won, once

  Rule: A buyer may ask for money until a day before the start

    Scenario: The reservation says until when
      Given a match that starts in 30 hours
      And Minji has bought 1-5
      Then Minji may ask for a refund until 24 hours before the start
      When Minji asks for a refund
      Then Minji is told that the refund of 15,000 won is DONE

    Scenario: Afterwards only the organiser gives money back
      Given a match that starts in 23 hours
      And Minji has bought 1-5 and 1-6
      And Yuna is an organiser
      When Minji asks for a refund
      Then Minji is refused: NOT_REFUNDABLE
      And Minji has been given back nothing
      And 1-5 and 1-6 are Minji's own
      When Yuna refunds 1-5 to Minji
      Then Yuna is told that the refund of 15,000 won is DONE
      And Minji has been given back 15,000 won, once
      And Minji has a ticket for 1-6 and for nothing else
      When Yuna refunds everything to Minji
      Then Minji's reservation is CANCELLED
      And 1-5 and 1-6 are AVAILABLE

    Scenario: What is not paid may be given up even then
      Given a match that starts in 23 hours
      And Minji has reserved 1-5
      When Minji cancels the reservation
      Then 1-5 is AVAILABLE

    Scenario: A ticket that was used is not refunded, but by the organiser
      Given a match
      And Minji has bought 1-5 and 1-6
      And Minji has printed the tickets
      And Yuna is an organiser
      And Yuna has checked in the ticket for 1-5
      When Minji asks for a refund
      Then Minji is refused: NOT_REFUNDABLE 1-5
      And Minji has been given back nothing
      When Minji asks for a refund of 1-6
      Then Minji is told that the refund of 15,000 won is DONE
      When Yuna refunds 1-5 to Minji
      Then Yuna is told that the refund of 15,000 won is DONE

  Rule: A ticket whose seat was given back lets nobody in

    Scenario: At the door
      Given a match
      And Minji has bought 1-5 and 1-6
      And Minji has printed the tickets
      And Minji has been refunded 1-5
      And Yuna is an organiser
      When Yuna checks in the ticket for 1-5
      Then Yuna is refused: TICKET_VOID
      When Yuna checks in the ticket for 1-6
      Then Yuna lets the holder of 1-6 in

    Scenario: Even where somebody else has bought the seat, whose own ticket does
      Given a match
      And Minji has bought 1-5
      And Minji has printed the tickets
      And Minji has been refunded 1-5
      And Jun has bought 1-5
      And Yuna is an organiser
      When Yuna checks in the ticket for 1-5
      Then Yuna is refused: TICKET_VOID
      When Jun prints the tickets
      And Yuna checks in the ticket for 1-5
      Then Yuna lets the holder of 1-5 in

  Rule: Nobody gets the money of others

    Scenario: Somebody else's payment
      Given a match
      And Minji has bought 1-5
      When Jun tries to have Minji's payment refunded
      Then Jun is refused: NOT_FOUND
      When Nobody tries to have Minji's payment refunded
      Then Nobody is refused: UNAUTHENTICATED
      And 1-5 is Minji's own
      And Minji has been given back nothing

    Scenario: A seat of somebody else
      Given a match
      And Minji has bought 1-5
      And Jun has bought 1-6
      When Minji asks for a refund of 1-5 and 1-6
      Then Minji is refused: NOT_FOUND
      And 1-5 is Minji's own
      And 1-6 is Jun's own

    Scenario: A seat that is named twice
      Given a match
      And Minji has bought 1-5
      When Minji asks for a refund of 1-5 and 1-5
      Then Minji is refused: INVALID
      And Minji has been given back nothing

    Scenario: What the gateway refused has cost nothing, so nothing is given back
      Given a match
      And Minji has reserved 1-5
      When Minji tries to pay with a card over its limit
      And Minji asks for a refund
      Then Minji is refused: NOT_REFUNDABLE
      And Minji has 1-5
