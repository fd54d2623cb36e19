"""Words that say nothing of what a prompt is about: grammar, and the language of instructions."""

from functools import cache

_WORDS = """
let lets one's seven eight nine ten twenty thirty low medium high critical severity effort priority moderate simple
complex completed progress blocked day days week weeks month months year years hour hours minute minutes second
seconds today tomorrow yesterday
def class import self async await const let var function select where else asks ask await elif print row suggested
able about above after again all also and answer answers any anything are array assistant based because been before
being below best better between both but can category classification classify clear clearly concise consider
consideration considerations content contents could customer describe description did does doing domain don't draft
drafts during each either ensure evaluate evaluation evaluator every expert false feedback few field fields first
five following for format four from give given gives good had has have help helpful here how improve improved
improvement improvements include includes including input into it's its json just keep keeps kind language last like
list made make makes may might more most must name names need needs neither new next none not nothing null number
object one only onto original other our out output outputs over own paragraph part parts per please point points
problem professional prompt provide provided quality query reply request requests respond response result results
return returns review reviewer reviews revise revised revision rewrite same say says schema score scores second
senior sentence sentences shall should solve some something specialist specific step steps string such summarise
summarize summary target task task-id taskid tasks tell text texts than that the their them then there these they
this those three through title translate translated translation translator true twice two type types under urgently
use used user uses using value values version very want was well were what when where whether which while who
whoever whole whom why will with within without word words works would write writing written yes you your
"""


@cache
def stopwords() -> frozenset[str]:
    """The words, in lower case."""
    return frozenset(_WORDS.split())
