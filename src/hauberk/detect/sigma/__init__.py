"""Sigma rules (SigmaHQ specification 2.x) on what Hauberk sees. Reading is left to pySigma; only ``values``, ``messages``,
``columns`` and ``load`` import it, as that takes a third of a second that most runs need not spend."""
