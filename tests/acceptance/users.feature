Feature: Accounts
  Whoever wants seats has an account and logs in. Nobody learns from us who else has one.

  Rule: An account is made once

    Scenario: Signing up, logging in, and being known
      When Minji signs up
      Then Minji has an account as a buyer
      When Minji logs in
      Then Minji is known by her name
      When Minji logs out
      Then Minji is not known

    Scenario: An e-mail address has one account
      Given Minji has signed up
      When Minji signs up
      Then Minji is refused: EMAIL_TAKEN

    Scenario: Capital letters make no other e-mail address
      Given Minji has signed up
      When Minji signs up with her e-mail address in capital letters
      Then Minji is refused: EMAIL_TAKEN
      When Minji logs in with her e-mail address in capital letters
      Then Minji is known by her name

    Scenario Outline: What looks the same is no other e-mail address
      Given Minji has signed up with the e-mail address "<one>"
      When Jun signs up with the e-mail address "<other>"
      Then Jun is refused: EMAIL_TAKEN
      When Minji logs in with the e-mail address "<other>"
      Then Minji is known by her name

      Examples:
        | one              | other                        |
        | jose\u0301@SUFFIX | jos\u00e9@SUFFIX              |
        | minji@SUFFIX     | \uff4d\uff49\uff4eji\uff20SUFFIX |
        | a@예시.SUFFIX    | a@xn--vv4b11d.SUFFIX        |

    Scenario: An e-mail address holds nothing that cannot be seen
      When Minji signs up with the e-mail address "min\u200bji@SUFFIX"
      Then Minji is refused: INVALID

    Scenario: Sending the same sign-up again makes no second account
      When Minji signs up under the key "once"
      And Minji signs up under the key "once"
      Then Minji is given the same account both times

    Scenario: Another sign-up under the same key is refused
      When Minji signs up under the key "once"
      And Minji signs up under the key "once" with another password
      Then Minji is refused: IDEMPOTENCY_KEY_REUSED

    Scenario Outline: What no account can have
      When Minji signs up with the <what> "<value>"
      Then Minji is refused: INVALID

      Examples:
        | what     | value                |
        | email    | minji                |
        | email    | minji@               |
        | email    | @example.com         |
        | email    | min ji@example.com   |
        | email    | a@b@example.com      |
        | email    |                      |
        | password | seven77              |
        | password |                      |
        | name     |                      |
        | name     | Min BELL ji          |

    Scenario: A password may be long, but not endless
      When Minji signs up with a password of 128 letters
      Then Minji has an account as a buyer
      When Jun signs up with a password of 129 letters
      Then Jun is refused: INVALID

    Scenario: Nobody makes themselves an organiser
      When Minji signs up with the role "organiser"
      Then Minji is refused: INVALID

  Rule: A session begins with the log-in and ends with the log-out

    Scenario: A session that was ended is of no use any more
      Given Minji has signed up
      And Minji logs in
      And Minji's session has been found by somebody else
      Then the found session is as good as her own
      When Minji logs out
      Then the found session is of no use

    Scenario: Logging in again ends the session before
      Given Minji has signed up
      And Minji logs in
      And Minji's session has been found by somebody else
      When Minji logs in
      Then the found session is of no use
      And Minji is known by her name

    Scenario: A made-up session is of no use
      Given somebody has made a session up
      Then the found session is of no use

    Scenario: Scripts and other sites cannot use the session
      Given Minji has signed up
      When Minji logs in
      Then the session is hidden from scripts and from other sites
      And so is what makes her device known

  Rule: A wrong log-in tells nothing

    Scenario: A wrong password and an unknown account are answered alike
      Given Minji has signed up
      When Minji logs in with a wrong password
      And Jun logs in
      Then Minji is refused: WRONG_CREDENTIALS
      And Jun is answered exactly as Minji

    Scenario: Whoever tries too often must wait
      Given 3 wrong passwords are allowed
      And Minji has signed up
      When Minji logs in with a wrong password 3 times
      Then Minji is refused: WRONG_CREDENTIALS
      When Minji logs in
      Then Minji is refused: TOO_MANY_ATTEMPTS
      And Minji is told when to come back
      When Jun signs up
      And Jun logs in
      Then Jun is known by his name

    Scenario: A stranger cannot lock anybody out of where they have logged in before
      Given 3 wrong passwords are allowed
      And Minji has signed up
      And Minji logs in
      And Minji logs out
      When Sora logs in as Minji with a wrong password 4 times
      Then Sora is refused: TOO_MANY_ATTEMPTS
      When Minji logs in
      Then Minji is known by her name

    Scenario: Where somebody has logged in before, guessing is limited, too
      Given 3 log-ins are allowed at a known device
      And Minji has signed up
      And Minji logs in
      When Minji logs in with a wrong password 4 times
      Then Minji is refused: TOO_MANY_ATTEMPTS
      And Minji is told when to come back

    Scenario: Having logged in to one account makes nobody known to another
      Given 3 wrong passwords are allowed
      And Minji has signed up
      And Jun has signed up
      And Jun logs in
      When Jun logs in as Minji with a wrong password 4 times
      Then Jun is refused: TOO_MANY_ATTEMPTS

    Scenario: Two who share a device are both known there
      Given 3 wrong passwords are allowed
      And Minji has signed up
      And Jun has signed up
      And Minji logs in
      And Jun logs in at Minji's device
      When Sora logs in as Minji with a wrong password 4 times
      And Minji logs in
      Then Minji is known by her name

    Scenario: Logging in rightly does not count
      Given 3 wrong passwords are allowed
      And Minji has signed up
      When Minji logs in 5 times
      Then Minji is known by her name

    Scenario: An account that there is not must wait as well
      Given 3 wrong passwords are allowed
      When Jun logs in 4 times
      Then Jun is refused: TOO_MANY_ATTEMPTS

    Scenario: One address cannot make any number of accounts
      Given 2 accounts are allowed for each address
      And Minji has signed up
      And Jun has signed up
      When Sora signs up
      Then Sora is refused: TOO_MANY_ATTEMPTS
      And Sora is told when to come back

  Rule: Whoever has an account can end what was begun in it

    Scenario: Logging out everywhere
      Given Minji has signed up
      And Minji is logged in on 3 devices
      When Minji logs out everywhere on the first device
      Then Minji is known on no device
      When Minji logs in
      Then Minji is known by her name

    Scenario: A new password ends all other sessions
      Given Minji has signed up
      And Minji is logged in on 3 devices
      When Minji changes her password to "another seat" on the first device
      Then Minji is known on the first device
      When Minji logs in
      Then Minji is refused: WRONG_CREDENTIALS
      When Minji logs in with the password "another seat"
      Then Minji is known by her name

    Scenario: Whoever does not know the present password cannot change it
      Given 3 wrong passwords are allowed
      And Minji has signed up
      And Minji is logged in on 2 devices
      When Minji changes her password to "another seat" 4 times on the first device, with a wrong one for the present
      Then Minji is refused: TOO_MANY_ATTEMPTS
      And Minji is known on the first 2 devices

    Scenario: A new password must be a good one
      Given Minji has signed up
      And Minji is logged in on 1 device
      When Minji changes her password to "short" on the first device
      Then Minji is refused: INVALID
      When Minji logs in
      Then Minji is known by her name

    Scenario Outline: Without a session there is nothing to end
      When Minji asks to <what>
      Then Minji is refused: UNAUTHENTICATED

      Examples:
        | what                |
        | log out everywhere  |
        | change her password |

    Scenario: An account has only so many sessions, and the oldest ends
      Given 2 sessions are allowed for each account
      And Minji has signed up
      And Minji is logged in on 4 devices
      Then Minji is known on the last 2 devices

  Rule: Only our own pages may act for the one who is logged in

    Scenario Outline: What another site makes a browser send is refused
      Given Minji has signed up
      And Minji logs in
      When <site> makes Minji's browser log out
      Then Minji is refused: FORBIDDEN
      And Minji is known by her name

      Examples:
        | site                                 |
        | another site                         |
        | a neighbouring site                  |
        | another site, in an older browser    |
        | a file, in an older browser          |

    Scenario Outline: What our own page sends is done
      Given Minji has signed up
      And Minji logs in
      When <page> makes Minji's browser log out
      Then Minji is not known

      Examples:
        | page                                 |
        | our own page                         |
        | our own page, in an older browser    |

    Scenario: A form cannot be passed off as ours
      When Minji logs in by a form
      Then Minji is refused: UNSUPPORTED_MEDIA_TYPE

    Scenario: A flood of bytes is refused
      When Minji sends a megabyte
      Then Minji is refused: BODY_TOO_LARGE
