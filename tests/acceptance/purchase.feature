Feature: Buying seats
  Whoever holds seats reserves them, pays at the gateway's page, and has tickets. Money moves once, and only
  for seats that are firmly held.

  A seat is written row-seat: 1-5 is seat 5 of row 1. Every seat costs 15,000 won.
  In a match with two grades, block 102 has rows 6 to 10, and its seats cost 11,000 won.

  Rule: From the free seats to the tickets

    Scenario: A buyer finds a match, chooses seats, pays, and has tickets
      Given a match with two grades
      And Minji has signed up and logged in
      And Jun follows the match
      And Sora opens block 101
      When Minji looks for the match among the matches
      And Minji looks for the seats of block 101 in the section "1루 레드석"
      Then Minji finds 1-5 and 1-6 there, free and for 15,000 won each
      When Minji holds 1-5 and 1-6
      Then Sora sees 1-5 and 1-6 as HOLD
      When Minji reserves
      Then Minji's reservation is PENDING
      And Minji's reservation is for 1-5 and 1-6 and costs 30,000 won
      And Minji's reservation ends with the hold
      And the payment page asks Minji for 30,000 won
      When Minji chooses a good card on the payment page
      Then Minji has not been charged
      When Minji comes back from the payment page
      Then Minji's reservation is CONFIRMED
      And Minji has been charged 30,000 won, once
      And 1-5 and 1-6 are OCCUPIED
      And every other seat is AVAILABLE
      And 1-5 and 1-6 are Minji's own
      And Minji has a ticket for 1-5 and 1-6 and for nothing else
      And Sora sees 1-5 and 1-6 as OCCUPIED
      And Sora was told that 1-5 and 1-6 went from HOLD to OCCUPIED
      And Jun hears in this order
        | action    | seats       |
        | OCCUPIED  | 1-5 and 1-6 |
        | CONFIRMED | 1-5 and 1-6 |

    Scenario Outline: Holding and reserving at once
      Given a match
      And Jun follows the match
      When Minji books 1-5 and 1-6 <way>
      Then Minji's reservation is PENDING
      And Minji's reservation is for 1-5 and 1-6 and costs 30,000 won
      When Minji pays
      Then Minji's reservation is CONFIRMED
      And Minji has been charged 30,000 won, once
      And Minji has a ticket for 1-5 and 1-6 and for nothing else
      And Jun hears in this order
        | action    | seats       |
        | OCCUPIED  | 1-5 and 1-6 |
        | CONFIRMED | 1-5 and 1-6 |

      Examples:
        | way                           |
        | of the match                  |
        | as a bare list, for the match |

    Scenario: Sold seats are not for others
      Given a match
      And Minji has bought 1-5 and 1-6
      When Jun asks for 1-6 and 1-7
      Then Jun is refused: SEATS_TAKEN 1-6
      When Jun books 1-5 of the match
      Then Jun is refused: SEATS_TAKEN 1-5

    Scenario: Bought seats count among the four
      Given a match
      And Minji has bought 1-1, 1-2 and 1-3
      When Minji asks for 2-1 and 2-2
      Then Minji is refused: TOO_MANY_SEATS 2-1 and 2-2
      When Minji asks for 2-1
      Then Minji gets 2-1

    Scenario: What is held may be paid for after the sale is closed
      Given a match
      And Minji has reserved 1-5
      And the sale is closed
      When Minji pays
      Then Minji's reservation is CONFIRMED

  Rule: A reservation is for all that the buyer holds

    Scenario: Seats that were held one after the other are one reservation, which ends with the first of them
      Given a match
      When Minji asks for 1-5
      And Minji asks for 3-3
      And Minji reserves
      Then Minji's reservation is for 1-5 and 3-3 and costs 30,000 won
      And Minji's reservation ends with the hold of 1-5

    Scenario: Whoever holds nothing has nothing to reserve
      Given a match
      And Jun holds 1-5
      When Minji tries to reserve
      Then Minji is refused: NOTHING_HELD

    Scenario: Nothing is left to reserve when the hold has ended
      Given a match whose holds last 1 second
      And Minji holds 1-5
      And Minji's hold has ended
      When Minji tries to reserve
      Then Minji is refused: NOTHING_HELD

    Scenario: Reserving again gives the reservation that there is
      Given a match
      And Minji has reserved 1-5 and 1-6
      When Minji reserves
      Then Minji is answered as before

    Scenario: With more seats there is another reservation
      Given a match
      And Minji has reserved 1-5
      When Minji holds 1-6
      Then Minji's reservation is PENDING
      When Minji reserves
      Then Minji's reservation is for 1-5 and 1-6 and costs 30,000 won
      And the reservation before is CANCELLED
      When Minji pays
      Then 1-5 and 1-6 are Minji's own

    Scenario: A reservation that another one has replaced cannot be paid
      Given a match
      And Minji has reserved 1-5
      And Minji has chosen a good card on the payment page
      When Minji holds 1-6
      And Minji reserves
      And Minji comes back from the payment page
      Then Minji is refused: RESERVATION_CLOSED
      And the reservation before has not been charged
      And Minji has 1-5 and 1-6

    Scenario: A reservation that loses a seat is given up, and the other seats stay held
      Given a match
      And Minji has reserved 1-5 and 1-6
      When Minji releases 1-5
      Then Minji's reservation is CANCELLED
      And Minji has 1-6
      When Minji tries to pay
      Then Minji is refused: RESERVATION_CLOSED
      And Minji has not been charged

    Scenario: What else a buyer holds is no part of a booking
      Given a match
      And Minji holds 3-3
      When Minji books 1-5 of the match
      Then Minji's reservation is for 1-5 and costs 15,000 won
      And Minji has 1-5 and 3-3

    Scenario: Booking the same seats again gives the reservation that there is
      Given a match
      When Minji books 1-5 and 1-6 of the match
      And Minji books 1-5 and 1-6 of the match
      Then Minji is answered as before

    Scenario: Seats that were held together may be booked apart, and then go their own ways
      Given a match
      And Minji holds 1-5, 1-6 and 1-7
      And Minji books 1-5 of the match
      When Minji releases 1-7
      Then Minji's reservation is PENDING
      And Minji has 1-5 and 1-6
      When Minji cancels the reservation
      Then Minji has 1-6
      When Minji books 1-6 of the match
      And Minji pays
      Then 1-6 is Minji's own
      And 1-5 and 1-7 are AVAILABLE

    Scenario: The same request under the same key makes one reservation
      Given a match
      And Minji holds 1-5
      When Minji reserves under the key "evening"
      And Minji holds 1-6
      And Minji reserves under the key "evening"
      Then Minji's reservation is for 1-5 and costs 15,000 won
      And Minji's reservation is PENDING

    Scenario: Another request under the same key is refused
      Given a match
      And Minji holds 1-5
      And Minji reserves under the key "evening"
      And another match
      And Minji holds 1-5
      When Minji tries to reserve under the key "evening"
      Then Minji is refused: IDEMPOTENCY_KEY_REUSED

  Rule: What seats cost is settled when they are reserved

    Scenario: Each seat costs what its grade costs
      Given a match with two grades
      When Minji books 1-5, 6-1 and 6-2 of the match
      Then Minji's reservation is for 1-5, 6-1 and 6-2 and costs 37,000 won
      And Minji's reservation tells these prices
        | seat | grade    | price  |
        | 1-5  | 레드석   | 15,000 |
        | 6-1  | 네이비석 | 11,000 |
        | 6-2  | 네이비석 | 11,000 |
      When Minji pays
      Then Minji has been charged 37,000 won, once

    Scenario: What costs nothing needs no payment
      Given a match with free seats
      When Minji books 1-5 and 1-6 of the match
      Then Minji's reservation is CONFIRMED
      And Minji's reservation is for 1-5 and 1-6 and costs 0 won
      And 1-5 and 1-6 are Minji's own
      And Minji has a ticket for 1-5 and 1-6 and for nothing else
      And Minji has not been charged

    Scenario: A new price is for those who come later
      Given a match with two grades
      And Minji has reserved 1-5 and 6-1
      When the organiser imports the plan again with the "navy" grade at 19,000 won
      Then Minji's reservation is for 1-5 and 6-1 and costs 26,000 won
      When Jun books 6-2 of the match
      Then Jun's reservation is for 6-2 and costs 19,000 won
      When Minji pays
      Then Minji has been charged 26,000 won, once
      When Jun pays
      Then Jun has been charged 19,000 won, once
      And Minji's reservation is for 1-5 and 6-1 and costs 26,000 won

  Rule: Money moves once

    Scenario: Coming back from the payment page twice
      Given a match
      And Minji has reserved 1-5 and 1-6
      When Minji pays
      And Minji comes back from the payment page
      Then Minji is answered as before
      And Minji has been charged 30,000 won, once

    Scenario: Coming back five times at the same moment
      Given a match
      And Minji has reserved 1-5 and 1-6
      And Minji has chosen a good card on the payment page
      When Minji comes back from the payment page 5 times at once
      Then each time Minji is told that the reservation is CONFIRMED
      And Minji has been charged 30,000 won, once

    Scenario: The same request under the same key
      Given a match
      And Minji has reserved 1-5 and 1-6
      And Minji has chosen a good card on the payment page
      When Minji comes back from the payment page under the key "evening"
      And Minji comes back from the payment page under the key "evening"
      Then Minji is answered as before
      And Minji's reservation is CONFIRMED
      And Minji has been charged 30,000 won, once

    Scenario: Another request under the same key
      Given a match
      And Minji has reserved 1-5 and 1-6
      And Minji has chosen a good card on the payment page
      When Minji comes back from the payment page under the key "evening"
      And Minji comes back under the key "evening" with another payment
      Then Minji is refused: IDEMPOTENCY_KEY_REUSED
      And Minji has been charged 30,000 won, once

    Scenario: A reservation that is paid cannot be paid with another card
      Given a match
      And Minji has reserved 1-5
      And Minji has chosen a good card on the payment page, in a second window too
      When Minji comes back from the payment page
      And Minji comes back from the second window
      Then Minji is refused: RESERVATION_CLOSED
      And Minji has been charged 15,000 won, once

    Scenario: The gateway's answer gets lost
      Given a match
      And Minji has reserved 1-5
      And the gateway's next answer to Minji's payment gets lost
      When Minji pays
      Then Minji's reservation is CONFIRMED
      And Minji has been charged 15,000 won, once

    Scenario: The gateway charges, and then says nothing for a while
      Given a match whose holds last 1 second
      And Minji has reserved 1-5
      And the gateway's next 3 answers about Minji's payment get lost
      When Minji tries to pay
      Then Minji is told that it is not known yet whether money moved
      And Minji's reservation becomes CONFIRMED by itself
      And Minji has been charged 15,000 won, once
      And 1-5 is Minji's own

  Rule: A refused card costs nothing, and no seats

    Scenario: Another card pays
      Given a match
      And Minji has reserved 1-5 and 1-6
      When Minji tries to pay with a card over its limit
      Then Minji is refused: PAYMENT_REFUSED
      And Minji is told the gateway's reason REJECT_CARD_PAYMENT
      And Minji's reservation is PENDING
      And Minji has 1-5 and 1-6
      And the hold ends when it would have ended
      And Minji has not been charged
      And Minji has no tickets
      When Minji pays with a good card
      Then Minji's reservation is CONFIRMED
      And Minji has been charged 30,000 won, once

    Scenario: Seats whose payment was refused are free when their first time is over
      Given a match whose holds last 1 second
      And Jun follows the match
      And Minji has reserved 1-5
      When Minji tries to pay with a card over its limit
      Then Minji is refused: PAYMENT_REFUSED
      And Jun hears in this order
        | action   | seats |
        | OCCUPIED | 1-5   |
        | RELEASED | 1-5   |
      And Minji's reservation is EXPIRED

    Scenario: The same refused payment is refused again
      Given a match
      And Minji has reserved 1-5
      When Minji tries to pay with a card over its limit
      And Minji comes back from the payment page
      Then Minji is refused: PAYMENT_REFUSED
      And Minji has not been charged

    Scenario: Leaving the payment page without paying
      Given a match
      And Minji has reserved 1-5
      When Minji leaves the payment page without paying
      Then Minji's reservation is PENDING
      And Minji has 1-5
      When Minji pays
      Then Minji's reservation is CONFIRMED

  Rule: Whoever comes too late pays nothing for seats that are gone

    Scenario: Somebody else has taken one of the seats
      Given a match whose holds last 1 second
      And Minji has reserved 1-5 and 1-6
      And Minji has chosen a good card on the payment page
      And Minji's hold has ended
      When Jun holds 1-6
      And Minji comes back from the payment page
      Then Minji is refused: RESERVATION_EXPIRED 1-6
      And Minji has not been charged
      And Minji has nothing
      And Minji's reservation is EXPIRED

    Scenario: The seats are still free
      Given a match whose holds last 1 second
      And Jun follows the match
      And Minji has reserved 1-5 and 1-6
      And Minji has chosen a good card on the payment page
      And Minji's hold has ended
      Then Jun hears in this order
        | action   | seats       |
        | OCCUPIED | 1-5 and 1-6 |
        | RELEASED | 1-5 and 1-6 |
      And Minji's reservation is EXPIRED
      When Minji comes back from the payment page
      Then Minji's reservation is CONFIRMED
      And Minji has been charged 30,000 won, once
      And 1-5 and 1-6 are Minji's own
      And Jun hears in this order
        | action    | seats       |
        | OCCUPIED  | 1-5 and 1-6 |
        | RELEASED  | 1-5 and 1-6 |
        | OCCUPIED  | 1-5 and 1-6 |
        | CONFIRMED | 1-5 and 1-6 |

    Scenario: The buyer has given the reservation up
      Given a match
      And Minji has reserved 1-5
      And Minji has chosen a good card on the payment page
      And Minji cancels the reservation
      When Minji comes back from the payment page
      Then Minji is refused: RESERVATION_CLOSED
      And Minji has not been charged
      And 1-5 is AVAILABLE

  Rule: Everybody pays the price of their own seats

    Scenario: A smaller amount
      Given a match
      And Minji has reserved 1-5 and 1-6
      When Minji tries to pay 100 won less
      Then Minji is refused: AMOUNT_MISMATCH
      And Minji has not been charged
      And Minji's reservation is PENDING

    Scenario: A payment of less than what is said
      Given a match
      And Minji has reserved 1-5 and 1-6
      When Minji has 100 won less authenticated than she says
      Then Minji is refused: PAYMENT_REFUSED
      And Minji has not been charged
      And Minji's reservation is PENDING

    Scenario: A payment that was made for another reservation
      Given a match
      And Minji has reserved 1-5
      And Jun has reserved 2-1
      And Jun has chosen a good card on the payment page
      When Minji tries to pay with Jun's payment
      Then Minji is refused: PAYMENT_REFUSED
      And Minji has not been charged
      And Jun has not been charged
      And Minji's reservation is PENDING
      When Jun pays
      Then Jun has been charged 15,000 won, once

    Scenario: A payment that another reservation was paid with
      Given a match
      And Jun has bought 2-1
      And Minji has reserved 1-5
      When Minji tries to pay with Jun's payment
      Then Minji is refused: AMOUNT_MISMATCH
      And Minji has not been charged
      And Jun has been charged 15,000 won, once

    Scenario: Somebody else's reservation cannot be seen, paid or cancelled
      Given a match
      And Minji has reserved 1-5
      When Jun looks at Minji's reservation
      Then Jun is refused: NOT_FOUND
      When Jun looks at Minji's tickets
      Then Jun is refused: NOT_FOUND
      When Jun tries to pay Minji's reservation
      Then Jun is refused: NOT_FOUND
      When Jun tries to cancel Minji's reservation
      Then Jun is refused: NOT_FOUND
      And Minji's reservation is PENDING
      And Minji has not been charged

    Scenario: Whoever is not logged in can neither reserve nor look nor pay
      Given a match
      And Minji has reserved 1-5
      When Nobody tries to reserve
      Then Nobody is refused: UNAUTHENTICATED
      When Nobody looks at Minji's reservation
      Then Nobody is refused: UNAUTHENTICATED
      When Nobody tries to pay Minji's reservation
      Then Nobody is refused: UNAUTHENTICATED
      When Nobody tries to cancel Minji's reservation
      Then Nobody is refused: UNAUTHENTICATED
      And Minji's reservation is PENDING

    Scenario Outline: An order that there is not
      Given a match
      And Minji has reserved 1-5
      When Minji tries to pay the order <order>
      Then Minji is refused: NOT_FOUND

      Examples:
        | order                          |
        | that nobody made               |
        | with a guessed end             |
        | that is no order's name at all |

    Scenario: A match that there is not
      Given a match
      When Minji tries to reserve at a match that there is not
      Then Minji is refused: NOT_FOUND

  Rule: Where nobody has set a gateway up, seats can be held and reserved all the same

    Scenario: Paying is not possible, and says why
      Given a match without a payment gateway
      When Minji looks where to pay
      Then Minji is refused: NOT_FOUND
      When Minji holds 1-5
      And Minji reserves
      Then Minji's reservation is for 1-5 and costs 15,000 won
      When Minji comes back with a made-up payment
      Then Minji is refused: UNAVAILABLE
      And Minji's reservation is PENDING
      And Minji has 1-5
