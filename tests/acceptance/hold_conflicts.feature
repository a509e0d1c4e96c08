Feature: Many people want the same seats
  A seat has one owner at most. A hold takes all its seats or none, and ends by itself.

  A seat is written row-seat: 1-5 is seat 5 of row 1.

  Rule: A hold takes all its seats or none

    Scenario: Seats that are free are mine for five minutes
      Given a match
      When Minji asks for 1-5 and 1-6
      Then Minji gets 1-5 and 1-6
      And Minji's hold ends in 300 seconds
      And Minji has 1-5 and 1-6
      And 1-5 and 1-6 are HOLD
      And every other seat is AVAILABLE

    Scenario: One taken seat is enough to get none
      Given a match
      And Minji holds 1-5 and 1-6
      When Jun asks for 1-4, 1-5, 1-6 and 1-7
      Then Jun is refused: SEATS_TAKEN 1-5 and 1-6
      And Jun has nothing
      And 1-4 and 1-7 are AVAILABLE
      And Minji has 1-5 and 1-6

    Scenario: Thirty people want the same few seats at the same moment
      Given a match
      When 30 people ask at once for 1 to 4 of the seats 1-1 to 1-10
      Then each of these seats has one owner at most
      And whoever was granted seats has all of them
      And whoever was refused has nothing, and was told which seats are taken
      And some were granted seats, and some were refused

    Scenario: Thirty people want one seat at the same moment
      Given a match
      When 30 people ask at once for 3-3
      Then exactly 1 of them gets it

  Rule: One buyer has four seats at most

    Scenario: Five seats at once are too many
      Given a match
      When Minji asks for 1-1, 1-2, 1-3, 1-4 and 1-5
      Then Minji is refused: TOO_MANY_SEATS 1-1, 1-2, 1-3, 1-4 and 1-5
      And Minji has nothing

    Scenario: Earlier holds count
      Given a match
      And Minji holds 1-1, 1-2 and 1-3
      When Minji asks for 2-1 and 2-2
      Then Minji is refused: TOO_MANY_SEATS 2-1 and 2-2
      And Minji has 1-1, 1-2 and 1-3

    Scenario: Released seats do not count
      Given a match
      And Minji holds 1-1, 1-2 and 1-3
      And Minji releases 1-2 and 1-3
      When Minji asks for 2-1, 2-2 and 2-3
      Then Minji gets 2-1, 2-2 and 2-3

    Scenario: Seats of another match do not count
      Given a match
      And Minji holds 1-1, 1-2, 1-3 and 1-4
      And another match
      When Minji asks for 1-1, 1-2, 1-3 and 1-4
      Then Minji gets 1-1, 1-2, 1-3 and 1-4

  Rule: Asking again does no harm

    Scenario: Asking again for my own seats gives the hold that I have
      Given a match
      When Minji asks for 1-5 and 1-6
      And Minji asks for 1-5 and 1-6
      Then Minji gets 1-5 and 1-6
      And Minji is answered as before

    Scenario: The same request under the same key is answered as before, even after a release
      Given a match
      When Minji asks for 1-5 under the key "evening"
      And Minji releases 1-5
      And Minji asks for 1-5 under the key "evening"
      Then Minji gets 1-5
      And Minji is answered as before
      And 1-5 is AVAILABLE

    Scenario: The same request under the same key is answered as before, even when others have the seats by then
      Given a match
      When Minji asks for 1-5 under the key "evening"
      And Minji releases 1-5
      And Jun holds 1-5
      And Minji asks for 1-5 under the key "evening"
      Then Minji is answered as before
      And Jun has 1-5
      And Minji has nothing

    Scenario: The same request under the same key is answered as before, even when the sale is closed by then
      Given a match
      When Minji asks for 1-5 under the key "evening"
      And the sale is closed
      And Minji asks for 1-5 under the key "evening"
      Then Minji is answered as before

    Scenario: A key counts from its first answer, even where the seats were mine already
      Given a match
      And Minji holds 1-5
      When Minji asks for 1-5 under the key "evening"
      And Minji releases 1-5
      And Minji asks for 1-5 under the key "evening"
      Then Minji is answered as before
      And 1-5 is AVAILABLE

    Scenario: Another request under the same key is refused
      Given a match
      When Minji asks for 1-5 under the key "evening"
      And Minji asks for 1-6 under the key "evening"
      Then Minji is refused: IDEMPOTENCY_KEY_REUSED
      And Minji has 1-5

    Scenario: A key is the buyer's own
      Given a match
      When Minji asks for 1-5 under the key "evening"
      And Jun asks for 1-6 under the key "evening"
      Then Jun gets 1-6

    Scenario: A refusal uses no key up
      Given a match
      And Jun holds 1-5
      When Minji asks for 1-5 under the key "evening"
      And Jun releases 1-5
      And Minji asks for 1-5 under the key "evening"
      Then Minji gets 1-5

  Rule: A hold that has ended is free at once

    Scenario: The next buyer gets the seats although nobody has tidied up
      Given a match whose holds last 1 second, where nobody tidies up
      And Minji holds 1-5 and 1-6
      When Minji's hold has ended
      And Jun asks for 1-6 and 1-7
      Then Jun gets 1-6 and 1-7
      And Minji has nothing

    Scenario: Ended holds do not count against four seats
      Given a match whose holds last 1 second, where nobody tidies up
      And Minji holds 1-1, 1-2, 1-3 and 1-4
      When Minji's hold has ended
      And Minji asks for 2-1, 2-2, 2-3 and 2-4
      Then Minji gets 2-1, 2-2, 2-3 and 2-4

    Scenario: Seats of an ended hold cannot be released
      Given a match whose holds last 1 second, where nobody tidies up
      And Minji holds 1-5
      When Minji's hold has ended
      And Minji tries to release 1-5
      Then Minji is refused: NOT_YOUR_SEATS 1-5

  Rule: Only my own seats can be released

    Scenario: A release gives the seats to whoever comes next
      Given a match
      And Minji holds 1-5 and 1-6
      When Minji releases 1-5
      And Jun asks for 1-5
      Then Jun gets 1-5
      And Minji has 1-6

    Scenario: Somebody else's seats stay held, and so do mine that were named with them
      Given a match
      And Minji holds 1-5
      And Jun holds 1-6
      When Minji tries to release 1-5 and 1-6
      Then Minji is refused: NOT_YOUR_SEATS 1-6
      And Minji has 1-5
      And Jun has 1-6

    Scenario: A seat is taken and given back again and again
      Given a match
      When Minji holds 1-5
      And Minji releases 1-5
      And Minji holds 1-5
      And Minji releases 1-5
      Then 1-5 is AVAILABLE
      And Minji has nothing

    Scenario: A free seat cannot be released
      Given a match
      When Minji tries to release 1-5
      Then Minji is refused: NOT_YOUR_SEATS 1-5

  Rule: Seats are sold while the sale is open

    Scenario: Not after the sale is closed, but what is held may be given back
      Given a match
      And Minji holds 1-5 and 1-6
      And the sale is closed
      When Jun asks for 1-7
      Then Jun is refused: SALE_NOT_OPEN
      And Minji has 1-5 and 1-6
      When Minji releases 1-6
      Then Minji has 1-5

    Scenario: Not before the sale opens
      Given a match whose sale opens in 60 seconds
      When Minji asks for 1-5
      Then Minji is refused: SALE_NOT_OPEN
      And Minji is told to come back in 60 seconds

    Scenario: As soon as the sale opens by itself
      Given a match whose sale opens in 2 seconds
      When Minji asks for 1-5
      Then Minji is refused: SALE_NOT_OPEN
      When the sale has opened
      And Minji asks for 1-5
      Then Minji gets 1-5

  Rule: What cannot be is said so

    Scenario: Seats that the match does not have
      Given a match
      When Minji asks for 1-5 and a seat of another match
      Then Minji is refused: UNKNOWN_SEATS
      And Minji has nothing

    Scenario: A match that there is not
      Given a match
      When Minji asks for a seat of a match that there is not
      Then Minji is refused: NOT_FOUND

    Scenario Outline: A choice that makes no sense
      Given a match
      When Minji asks for <choice>
      Then Minji is refused: INVALID
      And Minji has nothing

      Examples:
        | choice        |
        | no seat       |
        | 1-5 and 1-5   |

    Scenario: Whoever is not logged in gets nothing
      Given a match
      When Nobody asks for 1-5
      Then Nobody is refused: UNAUTHENTICATED
      And 1-5 is AVAILABLE

    Scenario: Whoever is not logged in can release nothing
      Given a match
      And Minji holds 1-5
      When Nobody tries to release 1-5
      Then Nobody is refused: UNAUTHENTICATED
      And Minji has 1-5

  Rule: A booking names its seats by row and column

    Scenario Outline: All the seats, or none
      Given a match
      When Minji books 1-5 and 1-6 <way>
      Then Minji gets a reservation of the match for 1-5 and 1-6
      And Minji has 1-5 and 1-6
      When Jun books 1-6 and 1-7 <way>
      Then Jun is refused: SEATS_TAKEN 1-6
      And Jun has nothing

      Examples:
        | way                             |
        | of the match                    |
        | as a bare list, for the match   |

    Scenario: A bare list that does not say for which match
      Given a match
      When Minji books 1-5 as a bare list
      Then Minji is refused: INVALID

    Scenario: A row that there is not
      Given a match
      When Minji books 99-1 of the match
      Then Minji is refused: UNKNOWN_SEATS

    Scenario: A booking under the same key is answered as before
      Given a match
      When Minji books 1-5 of the match under the key "evening"
      And Minji releases 1-5
      And Minji books 1-5 of the match under the key "evening"
      Then Minji is answered as before

    Scenario: Whoever is not logged in cannot book
      Given a match
      When Nobody books 1-5 of the match
      Then Nobody is refused: UNAUTHENTICATED
