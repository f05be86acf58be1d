"""The review page: a local server that answers this machine only, to whoever has tonight's token.

Loopback address, token in the first link and then in a cookie, foreign Host headers refused (a page elsewhere cannot reach it
under a name of its own), no caching, no address but its own.
"""

import secrets
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from orchestration.review.answers import (
    NOT_ASSESSABLE,
    Answer,
    AnswerBook,
    RefusedAnswer,
    checked_answer,
    checked_answer_of_look,
    reviewer_key,
)
from orchestration.review.questions import QUESTIONS_FILE, Questionnaire, read_questions

TOKEN_COOKIE, REVIEWER_COOKIE = "crlm_review_token", "crlm_reviewer"
SHOWN_OF_ANSWER = ("margin_group", "margin_mm", "answer", "sites", "evidence_date", "comment")
LOOPBACK_HOSTS = ["127.0.0.1", "localhost"]
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class TokenAndHeaders(BaseHTTPMiddleware):
    """Lets in who has the token, and says to every browser that nothing is to be kept."""

    def __init__(self, app: Any, token: str) -> None:
        super().__init__(app)
        self.token = token

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        given, kept = request.query_params.get("token", ""), request.cookies.get(TOKEN_COOKIE, "")
        if request.url.path == "/" and self._is_token(given):
            response: Response = RedirectResponse("/", status_code=303)
            response.set_cookie(TOKEN_COOKIE, self.token, httponly=True, samesite="strict")
        elif not self._is_token(kept):
            response = PlainTextResponse("Open the link that `crlm review` printed: it holds tonight's token.", 403)
        else:
            response = await call_next(request)
        response.headers.update(HEADERS)
        return response

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self.token.encode())


class ReviewRoom:
    """What the page shows and keeps.

    Args:
        folder: the adjudication folder of the restricted build area.
        landing_folder: where answers land.
    """

    def __init__(self, folder: Path, landing_folder: Path) -> None:
        self.folder, self.landing_folder = folder, landing_folder
        self.books: dict[str, AnswerBook] = {}
        self._read_at: int | None = None
        self._questionnaire = Questionnaire([], [])

    def questionnaire(self) -> Questionnaire:
        """The questions of the last night; read again when a night has passed while the page is open."""
        written_at = (self.folder / QUESTIONS_FILE).stat().st_mtime_ns
        if written_at != self._read_at:
            self._questionnaire, self._read_at = read_questions(self.folder), written_at
        return self._questionnaire

    def book(self, reviewer: str) -> AnswerBook:
        """The reviewer's own answers; nobody else's are ever shown to him."""
        key = reviewer_key(reviewer)
        if key not in self.books:
            self.books[key] = AnswerBook(reviewer, self.folder, self.landing_folder)
        return self.books[key]


def create_app(room: ReviewRoom, token: str) -> Starlette:
    """The page and what it asks for; see the module."""
    page = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    ).get_template("page.html.jinja")

    async def show(request: Request) -> Response:
        reviewer = _reviewer(request)
        return HTMLResponse(page.render(reviewer=reviewer, not_assessable=NOT_ASSESSABLE))

    async def begin(request: Request) -> Response:
        given = (await request.json()).get("reviewer", "")
        reviewer = " ".join(str(given).split())
        if not 1 < len(reviewer) <= 60:
            return JSONResponse({"problem": "give your name: answers are kept by who gave them"}, 422)
        response = JSONResponse({})
        response.set_cookie(REVIEWER_COOKIE, reviewer.encode().hex(), httponly=True, samesite="strict")
        return response

    async def questions(request: Request) -> Response:
        reviewer = _reviewer(request)
        if not reviewer:
            return JSONResponse({"problem": "who is answering?"}, 401)
        asked, book = room.questionnaire(), room.book(reviewer)
        return JSONResponse({**asdict(asked), "answers": _shown(book)})

    async def answer(request: Request) -> Response:
        reviewer = _reviewer(request)
        if not reviewer:
            return JSONResponse({"problem": "who is answering?"}, 401)
        given = await request.json()
        try:
            book = room.book(reviewer)
            book.keep(_checked(room.questionnaire(), book.reviewer, given))
        except RefusedAnswer as refused:
            return JSONResponse({"problem": str(refused)}, 422)
        return JSONResponse({"answers": _shown(room.book(reviewer))})

    async def undo(request: Request) -> Response:
        reviewer = _reviewer(request)
        if not reviewer:
            return JSONResponse({"problem": "who is answering?"}, 401)
        taken_back = room.book(reviewer).undo(datetime.now())
        return JSONResponse(
            {"answers": _shown(room.book(reviewer)), "question_id": taken_back.question_id if taken_back else None}
        )

    return Starlette(
        routes=[
            Route("/", show),
            Route("/begin", begin, methods=["POST"]),
            Route("/questions", questions),
            Route("/answers", answer, methods=["POST"]),
            Route("/undo", undo, methods=["POST"]),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=LOOPBACK_HOSTS),
            Middleware(TokenAndHeaders, token=token),
        ],
    )


def _reviewer(request: Request) -> str:
    try:
        return bytes.fromhex(request.cookies.get(REVIEWER_COOKIE, "")).decode()
    except ValueError:
        return ""


def _checked(questionnaire: Questionnaire, reviewer: str, given: dict[str, Any]) -> Answer:
    def text(name: str) -> str:
        return str(given.get(name) or "")

    if "answer" in given:
        sites = [str(site) for site in given.get("sites") or []]
        about = (text("question_id"), text("answer"), sites, text("evidence_date"), text("comment"))
        return checked_answer_of_look(questionnaire, reviewer, *about, now=datetime.now())
    fields = [text(name) for name in ("question_id", "margin_group", "margin_mm", "comment")]
    return checked_answer(questionnaire, reviewer, *fields, now=datetime.now())


def _shown(book: AnswerBook) -> dict[str, dict[str, Any]]:
    return {
        question_id: {name: getattr(kept, name) for name in SHOWN_OF_ANSWER}
        for question_id, kept in book.current().items()
    }


def serve(room: ReviewRoom, port: int) -> None:
    """Serve the page until interrupted; the link with the token is printed by the caller.

    Raises:
        OSError: the port is taken.
    """
    import uvicorn

    token = secrets.token_urlsafe(24)
    config = uvicorn.Config(create_app(room, token), host="127.0.0.1", port=port, log_level="error", access_log=False)
    print(
        f"Review page: http://127.0.0.1:{port}/?token={token}\nOnly this machine can open it. Ctrl-C ends it.",
        flush=True,
    )
    uvicorn.Server(config).run()
