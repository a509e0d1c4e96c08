Feature: Seeing the seats change
  Whoever looks at a block, or follows a whole match, sees every change of a seat as it happens,
  and misses none, even when the connection breaks for a while.

  A seat is written row-seat: 1-5 is seat 5 of row 1.
  Block 101 has rows 1 to 5, block 102 has rows 6 to 10.

  Rule: A viewer of a block is shown all its seats, and then every change

    Scenario: At first a viewer is shown every seat of the block
      Given a match with 2 blocks
      And Minji holds 1-5 and 2-1
      When Jun opens block 101
      Then Jun is shown all 50 seats of block 101 at once
      And Jun sees 1-5 and 2-1 as HOLD
      And Jun sees 1-4 and 5-10 as AVAILABLE

    Scenario: A hold is seen
      Given a match
      When Jun opens block 101
      And Minji holds 1-5 and 1-6
      Then Jun sees 1-5 and 1-6 as HOLD
      And Jun is told of 1-5 and 1-6 and of nothing else

    Scenario: A release is seen
      Given a match
      And Minji holds 1-5 and 1-6
      When Jun opens block 101
      And Minji releases 1-5
      Then Jun sees 1-5 as AVAILABLE
      And Jun sees 1-6 as HOLD
      And Jun is told of 1-5 and of nothing else

    Scenario: The end of a hold is seen
      Given a match whose holds last 1 second
      When Jun opens block 101
      And Minji holds 1-5
      Then Jun sees 1-5 as HOLD
      And Jun sees 1-5 become AVAILABLE within a second of the end of Minji's hold

    Scenario: Every viewer is told the same
      Given a match
      When Jun opens block 101
      And Sora opens block 101
      And Hana opens block 101
      And Minji holds 1-5 and 1-6
      And Minji releases 1-6
      And Minji holds 3-3
      Then Jun sees 3-3 as HOLD
      And Sora is told the same as Jun
      And Hana is told the same as Jun

    Scenario: A viewer of another block is not bothered
      Given a match with 2 blocks
      When Jun opens block 102
      And Minji holds 1-5
      And Minji holds 6-1
      Then Jun sees 6-1 as HOLD
      And Jun is told of 6-1 and of nothing else

    Scenario: Seats of two blocks that are held together are seen in both
      Given a match with 2 blocks
      When Jun opens block 101
      And Sora opens block 102
      And Minji holds 5-10 and 6-1
      Then Jun sees 5-10 as HOLD
      And Sora sees 6-1 as HOLD

  Rule: A viewer who comes back misses nothing

    Scenario Outline: Only what changed meanwhile is told
      Given a match
      And Minji holds 1-1
      When Jun opens block 101
      And Jun loses the connection
      And Minji holds 1-5 and 1-6
      And Minji releases 1-1
      And Minji releases 1-6
      And Jun comes back <how>
      Then Jun sees 1-5 as HOLD
      And Jun is told of 1-1, 1-5 and 1-6 and of nothing else
      And what Jun knows of block 101 is so

      Examples:
        | how                               |
        | as a browser does                 |
        | by the address of where he was    |

    Scenario: A change after the return is told too
      Given a match
      When Jun opens block 101
      And Jun loses the connection
      And Minji holds 1-5
      And Jun comes back as a browser does
      And Minji holds 1-6
      Then Jun sees 1-5 and 1-6 as HOLD
      And what Jun knows of block 101 is so

    Scenario Outline: A viewer whose place is not known is shown everything again
      Given a match
      And Minji holds 1-5
      When Jun opens block 101
      And Jun loses the connection
      And Minji holds 1-6
      And Jun comes back from <place>
      Then Jun is shown all 50 seats of block 101 at once
      And what Jun knows of block 101 is so

      Examples:
        | place                       |
        | another epoch               |
        | a place that is still ahead |
        | a place that makes no sense |

  Rule: A viewer may follow a whole match

    Scenario: What happens is heard in its order
      Given a match with 2 blocks
      And Minji holds 4-4
      When Jun follows the match
      And Minji holds 1-5 and 1-6
      And Minji releases 1-5
      And Sora holds 1-5 and 6-1
      And Minji releases 4-4
      Then Jun is first told which version of the seats he needs
      And Jun hears in this order
        | action   | seats       |
        | OCCUPIED | 1-5 and 1-6 |
        | RELEASED | 1-5         |
        | OCCUPIED | 1-5 and 6-1 |
        | RELEASED | 4-4         |

    Scenario: The end of a hold is heard
      Given a match whose holds last 1 second
      When Jun follows the match
      And Minji holds 2-1 and 2-2
      Then Jun hears in this order
        | action   | seats       |
        | OCCUPIED | 2-1 and 2-2 |
        | RELEASED | 2-1 and 2-2 |

    Scenario Outline: A follower who comes back hears what he missed
      Given a match
      When Jun follows the match
      And Jun loses the connection
      And Minji holds 1-5 and 1-6
      And Jun comes back <how>
      Then Jun hears in this order
        | action   | seats       |
        | OCCUPIED | 1-5 and 1-6 |

      Examples:
        | how                               |
        | as a browser does                 |
        | by the address of where he was    |

    Scenario: A follower whose place is not known is told to load the seats again
      Given a match
      And Minji holds 1-5
      When Jun follows the match
      And Jun loses the connection
      And Minji holds 1-6
      And Jun comes back from another epoch
      Then Jun is first told which version of the seats he needs

  Rule: A page for a big venue may take the changes in batches

    Scenario: A snapshot of what is taken, and then the changes
      Given a match
      And Minji holds 1-1
      When Jun opens block 101 in batches
      And Minji holds 1-5 and 1-6
      And Minji releases 1-1
      Then Jun is given a snapshot with 1-1 as HOLD
      And the changes that Jun is given make 1-5 and 1-6 HOLD and 1-1 AVAILABLE

    Scenario: A whole match in batches
      Given a match with 2 blocks
      And Minji holds 1-1
      When Jun follows the match in batches
      And Minji holds 1-5 and 6-1
      And Minji releases 1-1
      Then Jun is given a snapshot with 1-1 as HOLD
      And the changes that Jun is given make 1-5 and 6-1 HOLD and 1-1 AVAILABLE
