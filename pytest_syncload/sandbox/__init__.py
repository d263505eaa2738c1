"""The embedded sandbox: a stand-in SyncWell service, CloudWatch and Firebase sign-in over real sockets on loopback.

It is there to try a test, never to prove a target. Nothing in it decides a verdict, and nothing outside the
conductor's environment set-up may know it.
"""
