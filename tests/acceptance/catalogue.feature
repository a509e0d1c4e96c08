Feature: Finding a match and its seats
  Before anybody chooses a seat they find the match, its sections, blocks and seats, and which are still free.

  A seat is written row-seat: 1-5 is seat 5 of row 1.

  Rule: Matches are listed by their start

    Background:
      Given a season with these occasions
        | title          | kind        | starts              | sale   |
        | LG : Doosan    | match       | 2031-03-28 05:00    | open   |
        | KT : SSG       | match       | 2031-03-29 05:00    | closed |
        | Hanwha : NC    | match       | 2031-03-29 08:30    | open   |
        | Swan Lake      | performance | 2031-03-29 10:00    | open   |
        | Kia : Samsung  | match       | 2031-03-30 05:00    | later  |

    Scenario: All matches, and no performances
      When the matches are listed
      Then the list is "LG : Doosan; KT : SSG; Hanwha : NC; Kia : Samsung"

    Scenario: All schedules, performances too
      When the schedules are listed
      Then the list is "LG : Doosan; KT : SSG; Hanwha : NC; Swan Lake; Kia : Samsung"

    Scenario Outline: By date and by the state of the sale
      When the matches are listed with <filter>
      Then the list is "<titles>"

      Examples:
        | filter                                                    | titles                       |
        | from=2031-03-29                                           | KT : SSG; Hanwha : NC; Kia : Samsung |
        | to=2031-03-29                                             | LG : Doosan                  |
        | from=2031-03-29 and to=2031-03-30                         | KT : SSG; Hanwha : NC        |
        | from=2031-03-29T17:00:00+09:00 and to=2031-03-29T18:00:00+09:00 | Hanwha : NC            |
        | from=2031-03-29T08:30:00Z and to=2031-03-29T08:30:01Z     | Hanwha : NC                  |
        | status=OPEN                                               | LG : Doosan; Hanwha : NC     |
        | status=CLOSED                                             | KT : SSG                     |
        | status=UPCOMING                                           | Kia : Samsung                |
        | status=OPEN and from=2031-03-29                           | Hanwha : NC                  |
        | from=2032-01-01                                           |                              |

    Scenario: Page by page
      When the matches are listed with limit=3
      Then the list is "LG : Doosan; KT : SSG; Hanwha : NC"
      And it is page 1 of 2, of 4 in all
      When the matches are listed with limit=3 and page=2
      Then the list is "Kia : Samsung"
      And it is page 2 of 2, of 4 in all
      When the matches are listed with limit=3 and page=3
      Then the list is ""

    Scenario Outline: A filter that makes no sense
      When the matches are listed with <filter>
      Then the list is refused: INVALID

      Examples:
        | filter            |
        | status=SOLD       |
        | from=yesterday    |
        | to=2031-13-01     |
        | page=0            |
        | page=-1           |
        | limit=many        |

    Scenario: A match and a schedule of the same number are the same occasion
      Then "LG : Doosan" is the same occasion among the matches and among the schedules
      And "Swan Lake" is the same occasion among the matches and among the schedules

  Rule: A match shows where its seats are

    Scenario: One match
      Given a match with 2 blocks
      When the match is looked up
      Then it tells its title, its venue, its start, its sale and how many seats it has
      And it tells the price of each grade in won

    Scenario: Sections, blocks and seats
      Given a match with 2 blocks
      Then the sections of the match lead to its blocks
      And each block leads to its seats
      And a seat tells where it is and what it is like
      And the whole layout tells the same

    Scenario: The ballpark, whole
      Given the ballpark
      Then the sections of the match lead to its blocks
      And each block leads to its seats
      And the whole layout tells the same

    Scenario Outline: What is known already is not sent again
      Given a match with 2 blocks
      When the <part> of the match are loaded
      And they are loaded again by somebody who has them
      Then nothing is sent

      Examples:
        | part          |
        | sections      |
        | blocks        |
        | block's seats |
        | layout        |

    Scenario: Whoever takes compressed answers gets them so
      Given the ballpark
      Then the layout is sent compressed to whoever takes that, and plain to others

  Rule: What is taken can be looked up

    Scenario: The status of the seats agrees with the holds
      Given a match with 2 blocks
      And Minji holds 1-5 and 6-1
      And Jun holds 2-2
      And Jun releases 2-2
      Then 1-5 and 6-1 are HOLD
      And every other seat is AVAILABLE
      And the taken seats of the match are 1-5 and 6-1

    Scenario Outline: A status that is known is not sent again, until it changes
      Given a match
      And Minji holds 1-5
      When the <part> of the match are loaded
      And they are loaded again by somebody who has them
      Then nothing is sent
      When Minji holds 1-6
      And they are loaded again by somebody who has them
      Then they are sent

      Examples:
        | part                  |
        | block's seat statuses |
        | taken seats           |

    Scenario: A match that nobody has touched has no taken seats
      Given a match
      Then no seats of the match are taken

  Rule: What there is not is said so

    Scenario Outline: No such thing
      Given a match
      When somebody looks for <what>
      Then nothing is found

      Examples:
        | what                                        |
        | a match that there is not                   |
        | a match with a number beyond all numbers    |
        | the sections of a match that there is not   |
        | the seats of a match that there is not      |
        | the status of a match that there is not     |
        | a block that there is not                   |
        | the status of a block that there is not     |
        | the stream of a block that there is not     |
        | the stream of a match that there is not     |
        | a block of another match                    |
        | the status of a block of another match      |
        | the stream of a block of another match      |
        | a page that there is not                    |
