Feature: Looking at reservations
  A buyer sees their own reservations, an organiser those of a match.

  A seat is written row-seat: 1-5 is seat 5 of row 1. Every seat costs 15,000 won.

  Rule: A buyer sees their own, the newest first

    Scenario: Those of all matches, and nobody else's
      Given a match
      And Minji has bought 1-5 and 1-6
      And Jun has reserved 2-1
      And another match
      And Minji has reserved 3-3
      When Minji looks at her reservations
      Then Minji is shown
        | seats       | status    | won    |
        | 3-3         | PENDING   | 15,000 |
        | 1-5 and 1-6 | CONFIRMED | 30,000 |

    Scenario: None yet
      Given a match
      When Minji looks at her reservations
      Then Minji is shown nothing

    Scenario: Page by page
      Given a match
      And Minji books 1-1 of the match
      And Minji books 1-2 of the match
      And Minji books 1-3 of the match
      And Minji books 1-4 of the match
      When Minji looks at her reservations, 3 at a time
      Then Minji is shown
        | seats | status  | won    |
        | 1-4   | PENDING | 15,000 |
        | 1-3   | PENDING | 15,000 |
        | 1-2   | PENDING | 15,000 |
      And there are more
      When Minji looks at the next page, 3 at a time
      Then Minji is shown
        | seats | status  | won    |
        | 1-1   | PENDING | 15,000 |
      And there are no more

    Scenario: A page that is just full is the last
      Given a match
      And Minji books 1-1 of the match
      And Minji books 1-2 of the match
      When Minji looks at her reservations, 2 at a time
      Then there are no more

    Scenario: A reservation whose time is over is shown as that
      Given a match whose holds last 1 second
      And Minji has reserved 1-5
      And Minji's hold has ended
      When Minji looks at her reservations
      Then Minji is shown
        | seats | status  | won    |
        | 1-5   | EXPIRED | 15,000 |

    Scenario Outline: A page that makes no sense
      Given a match
      When Minji looks at her reservations with <what>
      Then Minji is refused: INVALID

      Examples:
        | what         |
        | limit=0      |
        | limit=many   |
        | before=0     |
        | before=later |

    Scenario: Whoever is not logged in has none to look at
      Given a match
      When Nobody looks at her reservations
      Then Nobody is refused: UNAUTHENTICATED

  Rule: An organiser sees those of a match

    Background:
      Given a match
      And Minji has bought 1-5 and 1-6
      And Jun has reserved 2-1
      And Sora has reserved 3-3
      And Sora cancels the reservation
      And Yuna is an organiser

    Scenario: Everybody's, the newest first
      When Yuna looks at the reservations of the match
      Then Yuna is shown
        | seats       | status    | won    |
        | 3-3         | CANCELLED | 15,000 |
        | 2-1         | PENDING   | 15,000 |
        | 1-5 and 1-6 | CONFIRMED | 30,000 |
      And there are no more

    Scenario: Everybody's, page by page
      When Yuna looks at the reservations of the match, 2 at a time
      Then Yuna is shown
        | seats | status    | won    |
        | 3-3   | CANCELLED | 15,000 |
        | 2-1   | PENDING   | 15,000 |
      And there are more
      When Yuna looks at the next page, 2 at a time
      Then Yuna is shown
        | seats       | status    | won    |
        | 1-5 and 1-6 | CONFIRMED | 30,000 |
      And there are no more

    Scenario: No other match's
      Given another match
      When Yuna looks at the reservations of the match
      Then Yuna is shown nothing

    Scenario: One of them
      When Yuna looks at Minji's reservation
      Then Yuna is shown what Minji sees

    Scenario: Not for buyers
      When Minji looks at the reservations of the match
      Then Minji is refused: FORBIDDEN
      When Nobody looks at the reservations of the match
      Then Nobody is refused: UNAUTHENTICATED
