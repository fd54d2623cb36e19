"""Running a job: publish it, hear its result grow, read its end."""

from tests.support.pipeline import Pipeline


async def test_a_published_job_ends_with_a_valid_result(pipeline: Pipeline) -> None:
    """Publishing JSON to `jobs.<tenant>.<pattern>.<job>` is all it takes."""
    result = await pipeline.run("routing", {"query": "Our API answers 502 since the deploy"})
    assert result["classification"]["category"] == "technical"
    assert result["response"]
