Feature: Tickets
  Every seat that is paid for has a ticket, and lets one person in, once. Whoever checks tickets at a door without
  a network needs nothing but our public key.

  A seat is written row-seat: 1-5 is seat 5 of row 1.

  Rule: There is one ticket for every seat that is paid for

    Scenario: Once it is paid for
      Given a match
      And Minji has reserved 1-5 and 1-6
      Then Minji has no tickets
      When Minji opens the tickets on paper
      Then Minji is refused: NOT_FOUND
      When Minji opens the ticket for 1-5 as a picture
      Then Minji is refused: NOT_FOUND
      When Minji pays
      Then Minji has a ticket for 1-5 and 1-6 and for nothing else
      And Minji's tickets for 1-5 and 1-6 have not been used

    Scenario: As a picture and on paper
      Given a match
      And Minji has bought 1-5 and 1-6
      When Minji opens the ticket for 1-5 as a picture
      Then Minji gets a picture, which nobody on the way keeps
      When Minji opens the ticket for 2-1 as a picture
      Then Minji is refused: NOT_FOUND
      When Minji opens the tickets on paper
      Then Minji gets a document, which nobody on the way keeps

    Scenario: For nobody else
      Given a match
      And Minji has bought 1-5
      When Jun opens Minji's ticket for 1-5 as a picture
      Then Jun is refused: NOT_FOUND
      When Jun opens Minji's tickets on paper
      Then Jun is refused: NOT_FOUND
      When Nobody opens Minji's ticket for 1-5 as a picture
      Then Nobody is refused: UNAUTHENTICATED
      When Nobody opens Minji's tickets on paper
      Then Nobody is refused: UNAUTHENTICATED

  Rule: A ticket can be verified without asking anybody

    Scenario: With the public key
      Given a match
      And Minji has bought 1-5 and 1-6
      And Minji has printed the tickets
      When the public key is fetched
      Then the tickets for 1-5 and 1-6 are found to be genuine, each for its seat

    Scenario: A ticket that was changed is found out
      Given a match
      And Minji has bought 1-5
      And Minji has printed the tickets
      When the public key is fetched
      And somebody changes the ticket for 1-5 to 1-6
      Then the ticket for 1-5 is found to be forged

    Scenario: Tickets outlive the server
      Given a match
      And Minji has bought 1-5
      And Minji has printed the tickets
      And the public key is fetched
      When the server is killed and started again
      Then the public key is the same as before
      And Minji is given the same ticket for 1-5
      And the tickets for 1-5 are found to be genuine, each for its seat
      Given Yuna is an organiser
      When Yuna checks in the ticket for 1-5
      Then Yuna lets the holder of 1-5 in

  Rule: At the door a ticket lets somebody in, once

    Scenario: The second time
      Given a match
      And Minji has bought 1-5 and 1-6
      And Minji has printed the tickets
      And Yuna is an organiser
      And Hana is an organiser
      When Yuna checks in the ticket for 1-5
      Then Yuna lets the holder of 1-5 in
      And Minji's ticket for 1-5 has been used
      And Minji's tickets for 1-6 have not been used
      When Hana checks in the ticket for 1-5
      Then Hana is refused: TICKET_USED
      When Yuna checks in the ticket for 1-5
      Then Yuna is refused: TICKET_USED
      When Yuna checks in the ticket for 1-6
      Then Yuna lets the holder of 1-6 in

    Scenario: At the door of another match
      Given a match
      And Minji has bought 1-5
      And Minji has printed the tickets
      And Yuna is an organiser
      When Yuna checks in the ticket for 1-5 at the door of another match
      Then Yuna is refused: WRONG_DOOR
      And Minji's tickets for 1-5 have not been used
      When Yuna checks in the ticket for 1-5
      Then Yuna lets the holder of 1-5 in

    Scenario: At ten doors at the same moment
      Given a match
      And Minji has bought 1-5
      And Minji has printed the tickets
      And Yuna is an organiser
      When Yuna checks in the ticket for 1-5 at 10 doors at once
      Then one door lets its holder in, and the others refuse: TICKET_USED

    Scenario: Only by an organiser
      Given a match
      And Minji has bought 1-5
      And Minji has printed the tickets
      When Jun checks in the ticket for 1-5
      Then Jun is refused: FORBIDDEN
      When Minji checks in the ticket for 1-5
      Then Minji is refused: FORBIDDEN
      When Nobody checks in the ticket for 1-5
      Then Nobody is refused: UNAUTHENTICATED
      And Minji's tickets for 1-5 have not been used

    Scenario Outline: What is no ticket of ours
      Given a match
      And Minji has bought 1-5
      And Minji has printed the tickets
      And Yuna is an organiser
      When Yuna checks in <code>
      Then Yuna is refused: BAD_TICKET
      And Minji's tickets for 1-5 have not been used

      Examples:
        | code                                       |
        | the ticket for 1-5 with another seat in it |
        | the ticket for 1-5 signed by somebody else |
        | the ticket for 1-5 without its signature   |
        | the ticket for 1-5 without its last letter |
        | a shopping list                            |
        | nothing                                    |
